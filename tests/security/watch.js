// Before a page loads: notes whatever runs that should not, and can tell what was made of a text that was to stay one.
window.__fired = [];
Object.defineProperty(window, "__x", { set: () => window.__fired.push("__x"), get: () => undefined });
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = () => { window.__fired.push(name); };
}
document.addEventListener("securitypolicyviolation", (event) => {
  window.__fired.push(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});

const LEADS = ["href", "src", "action", "formaction", "data", "srcdoc", "xlink:href"];
const CODE = /^\s*(j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t:|data:text)|^\s*(https?:)?\/\/evil/i;

window.__made = () => {
  const bad = (element) =>
    ["IFRAME", "OBJECT", "EMBED", "BASE", "MARQUEE"].includes(element.tagName) ||
    (element.tagName === "SCRIPT" && /__x/.test(element.textContent)) ||
    [...element.attributes].some(
      ({ name, value }) =>
        name.startsWith("on") || (LEADS.includes(name) && CODE.test(value)) || (name === "style" && /evil/.test(value)),
    );
  return [...document.querySelectorAll("*")].filter(bad).map((element) => element.outerHTML.slice(0, 200));
};

window.__charts = () =>
  [...document.querySelectorAll(".nsewdrag")]
    .map((part) => part.getBoundingClientRect())
    .filter((box) => box.width)
    .map((box) => [box.x, box.y, box.width, box.height]);
