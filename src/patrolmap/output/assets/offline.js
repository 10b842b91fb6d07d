/* What folium's own layers expect of a page, without jQuery, Bootstrap and icon fonts. */
"use strict";

// Leaflet's default pin, from this file.
L.Icon.Default.imagePath = "";
L.Icon.Default.mergeOptions(/* ICONS */ {});

// folium.Icon draws a sign from an icon font on a pin: here it is the pin alone.
L.AwesomeMarkers = { icon: () => new L.Icon.Default() };

// folium.Popup turns its HTML into an element with $(html)[0]; folium.Map waits with $(document).
window.$ = (what) => {
  if (typeof what !== "string") {
    return { ready: (then) => then() };
  }
  const holder = document.createElement("template");
  holder.innerHTML = what.trim();
  return Array.from(holder.content.childNodes);
};
