/* The panel with title, legend and switches. Text is only ever set as text. */
(function (pm) {
  "use strict";

  pm.el = function (tag, name, text, parent) {
    const node = document.createElement(tag);
    if (name) { node.className = name; }
    if (text !== undefined && text !== null) { node.textContent = text; }
    if (parent) { parent.appendChild(node); }
    return node;
  };

  pm.Panel = L.Control.extend({
    options: { position: "topright" },

    onAdd: function () {
      this.box = pm.el("section", "pm-panel leaflet-control");
      this.head = pm.el("button", "pm-head", null, this.box);
      this.head.type = "button";
      this.body = pm.el("div", "pm-body", null, this.box);
      this.head.addEventListener("click", () => this.fold(!this.box.classList.contains("pm-folded")));
      L.DomEvent.disableClickPropagation(this.box);
      L.DomEvent.disableScrollPropagation(this.box);
      return this.box;
    },

    fold: function (folded) {
      this.box.classList.toggle("pm-folded", folded);
      this.head.setAttribute("aria-expanded", String(!folded));
    },

    title: function (title, lines) {
      pm.el("span", "pm-title", title, this.head);
      lines.filter(Boolean).forEach((line) => pm.el("span", "pm-line", line, this.head));
      this.fold(false);
    },

    /* A group of switches under one heading, which switches them all. */
    group: function (name, rows, note) {
      const box = pm.el("fieldset", "pm-group", null, this.body);
      const inputs = [];
      const master = this.row(box, { label: name, heading: true, on: true }, (on) => {
        inputs.forEach((input) => { if (input.checked !== on) { input.click(); } });
      });
      if (note) { pm.el("p", "pm-note", note, box); }
      this.last = box;
      const reflect = () => {
        box.classList.toggle("pm-off", !inputs.some((input) => input.checked));
        const on = inputs.filter((input) => input.checked).length;
        master.checked = on > 0;
        master.indeterminate = on > 0 && on < inputs.length;
      };
      rows.forEach((row) => {
        inputs.push(this.row(box, row, (on) => { row.show(on); reflect(); }));
      });
      reflect();
    },

    /* Colours under the last group that are not switched one by one. */
    legend: function (rows, note) {
      const box = pm.el("div", "pm-legend", null, this.last);
      rows.forEach((row) => {
        const line = pm.el("div", "pm-row", null, box);
        line.appendChild(row.swatch);
        pm.el("span", "pm-name", row.label, line);
        if (row.meta) { pm.el("span", "pm-meta", row.meta, line); }
      });
      if (note) { pm.el("p", "pm-note", note, box); }
    },

    row: function (box, row, change) {
      const line = pm.el("div", row.heading ? "pm-row pm-heading" : "pm-row", null, box);
      const label = pm.el("label", "", null, line);
      const input = pm.el("input", "", null, label);
      input.type = "checkbox";
      input.checked = row.on;
      if (row.swatch) { label.appendChild(row.swatch); }
      pm.el("span", "pm-name", row.label, label).title = row.label;
      if (row.meta) { pm.el("span", "pm-meta", row.meta, line); }
      if (row.open) {
        const button = pm.el("button", "pm-open", "›", line);
        button.type = "button";
        button.title = pm.t("Show its card");
        button.setAttribute("aria-label", pm.t("Card of {name}", { name: row.label }));
        button.addEventListener("click", row.open);
      }
      line.classList.toggle("pm-row-off", !row.heading && !row.on);
      input.addEventListener("change", () => {
        if (!row.heading) { line.classList.toggle("pm-row-off", !input.checked); }
        change(input.checked);
      });
      return input;
    },
  });

  /* A swatch as an element: a line of the layer's own colour and width. */
  pm.swatch = function (kind, colour, width) {
    const node = pm.el("span", "pm-swatch pm-swatch-" + kind);
    node.style.setProperty("--colour", colour);
    if (width) { node.style.setProperty("--width", width + "px"); }
    return node;
  };

  /* Ink or white, whichever reads better on a colour given as #rrggbb. */
  pm.inkOn = function (colour) {
    const [r, g, b] = [1, 3, 5].map((i) => Math.pow(parseInt(colour.slice(i, i + 2), 16) / 255, 2.2));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.22 ? "#1b1b1b" : "#ffffff";
  };

  /* Facts as a list of names and values, where there is a value. */
  pm.facts = function (parent, pairs) {
    const list = pm.el("dl", "pm-facts", null, parent);
    pairs.forEach(([name, value]) => {
      if (value === null || value === undefined || value === "") { return; }
      pm.el("dt", "", name, list);
      pm.el("dd", "", value, list);
    });
    return list;
  };
})(window.patrolmap);
