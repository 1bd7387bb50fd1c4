// The languages of dates and numbers on the axes of a figure; plotly has English built in and takes these when it loads.
(() => {
  "use strict";

  const german = {
    moduleType: "locale",
    name: "de",
    dictionary: {},
    format: {
      days: ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
      shortDays: ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
      months: [
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
      ],
      shortMonths: ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
      decimal: ",",
      thousands: ".",
      date: "%d.%m.%Y",
    },
  };
  if (window.Plotly) window.Plotly.register(german);
  else (window.PlotlyLocales = window.PlotlyLocales || []).push(german);
})();
