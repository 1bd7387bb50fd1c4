/* The correction page: shows the fields and the button of the chosen way. */

(function () {
  "use strict";

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.nadir_correct = {
    chosen: function (way) {
      const typed = way === "value" || way === "fields";
      const buttons = ["value", "fields", "retract", "move"].map((name) => name !== way);
      return [!typed, way !== "move", ...buttons];
    },
  };
})();
