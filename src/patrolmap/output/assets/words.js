/* Words, numbers and clocks in the reader's language. Texts are written in English here; the page
   carries their translations, made from locale/LANG/map.po. */
window.patrolmap = {};
(function (pm) {
  "use strict";

  // Browsers know little of Kazakh, so nothing here asks theirs: all is in the catalogue.
  let lang = "en", table = {};
  const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  pm.use = function (chosen, translations) {
    lang = chosen;
    table = translations;
  };

  /* Which plural form goes with a whole number. */
  function form(n) {
    if (lang !== "ru") { return n === 1 ? 0 : 1; }
    if (n % 10 === 1 && n % 100 !== 11) { return 0; }
    return n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 10 || n % 100 >= 20) ? 1 : 2;
  }

  const own = (text) => Object.prototype.hasOwnProperty.call(table, text) ? table[text] : null;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) =>
    values && name in values ? String(values[name]) : whole);

  /* A text with its {holes} filled. */
  pm.t = (text, values) => { const ours = own(text); return fill(typeof ours === "string" ? ours : text, values); };

  /* The form of a text that goes with a number. */
  pm.n = function (one, many, n) {
    const forms = own(one), text = Array.isArray(forms) ? forms[form(n)] : n === 1 ? one : many;
    return fill(text, { n: pm.whole(n) });
  };

  /* A word of a fixed list, such as a kind of event, with spaces for its underscores. */
  pm.word = (name) => { const plain = name.replace(/_/g, " "); return pm.t(plain); };
  const MANY = { crime: "crimes", accident: "accidents", juvenile: "juvenile offences", call: "calls" };
  pm.many = (kind) => pm.t(MANY[kind] || kind);
  pm.first = (text) => text.charAt(0).toLocaleUpperCase(lang) + text.slice(1);

  /* A number with its thousands apart: 1,234.5 in English, 1 234,5 in Russian and Kazakh. */
  function written(text) {
    const [whole, part] = text.split("."), english = lang === "en";
    const apart = whole.replace(/\B(?=(\d{3})+$)/g, english ? "," : "\u00a0");
    return part ? apart + (english ? "." : ",") + part : apart;
  }
  const decimal = (value, n) => written(value.toFixed(n));
  pm.whole = (value) => decimal(value, 0);
  pm.km = (metres) => metres < 995 ? Math.round(metres) + " " + pm.t("m")
    : decimal(metres / 1000, 1) + " " + pm.t("km");
  pm.percent = (share) => decimal(100 * share, share < 0.1 ? 1 : 0) + " %";
  pm.number = function (value) {
    if (value >= 1000) { return pm.whole(value); }
    const two = Number(value.toPrecision(2));
    if (two !== 0 && Math.abs(two) < 1e-6) { return two.toExponential(); }
    const text = two.toFixed(Math.max(0, 1 - Math.floor(Math.log10(Math.abs(two) || 1))));
    return written(text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  };
  pm.clock = (minute) =>
    String(Math.floor(minute / 60) % 24).padStart(2, "0") + ":" + String(Math.floor(minute) % 60).padStart(2, "0");

  /* A date (of UTC) in one of the catalogue's patterns. */
  pm.day = (date, pattern) => pm.t(pattern, {
    weekday: pm.t(WEEKDAYS[date.getUTCDay()]), day: date.getUTCDate(), month: pm.t(MONTHS[date.getUTCMonth()]), year: date.getUTCFullYear(),
  });
})(window.patrolmap);
