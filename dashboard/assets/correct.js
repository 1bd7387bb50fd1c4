/* The correction page: shows the fields and the button of the chosen way. */

(function () {
  "use strict";

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.nadir_correct = {
    chosen: function (way) {
      return [way !== "value", way !== "move", way !== "value", way !== "retract", way !== "move"];
    },
  };
})();
