"""Texts that try to become something else: markup (which sets `window.__x`), statements, formulas, log lines."""

from __future__ import annotations

import json
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared" / "data" / "robustness"
_CODE = "window.__x=1"
_TAGS = (
    *(
        "<script>{0}</script>",
        "<ScRiPt>{0}</sCrIpT>",
        "<script src=//evil.example/x.js></script>",
        "</script><script>{0}</script>",
    ),
    *(
        "<img src=x onerror={0}>",
        "<img src=x onerror=alert(1)>",
        '"><img src=x onerror={0}>',
        "'><img src=x onerror={0}>",
    ),
    *(
        "<svg onload={0}>",
        "<svg/onload={0}>",
        "<svg><script>{0}</script></svg>",
        "<svg><animate onbegin={0} attributeName=x dur=1s>",
    ),
    *("<svg><set attributeName=x onbegin={0}>", "<svg><a xlink:href='javascript:{0}'><text>x</text></a></svg>"),
    *(
        "<body onload={0}>",
        "<details open ontoggle={0}>",
        "<input autofocus onfocus={0}>",
        "<select autofocus onfocus={0}>",
    ),
    *(
        "<textarea autofocus onfocus={0}>",
        "<video><source onerror={0}></video>",
        "<audio src=x onerror={0}>",
        "<video src=x onerror={0}>",
    ),
    *(
        "<iframe src=javascript:{0}></iframe>",
        "<iframe srcdoc='<script>parent.{0}</script>'></iframe>",
        "<object data=javascript:{0}>",
    ),
    *(
        "<embed src=javascript:{0}>",
        "<math><mtext></table></math><img src=x onerror={0}>",
        "<marquee onstart={0}>x</marquee>",
    ),
    *(
        "<a href=javascript:{0}>click</a>",
        "<a href='java\tscript:{0}'>click</a>",
        "<a href=' javascript:{0}'>click</a>",
    ),
    *(
        "<a href='data:text/html,<script>{0}</script>'>x</a>",
        "[click](javascript:{0})",
        "![x](https://evil.example/p.png)",
    ),
    *("[x](https://evil.example)", "<https://evil.example>", "<form action=javascript:{0}><input type=submit></form>"),
    *(
        "<button formaction=javascript:{0}>x</button>",
        "<base href=//evil.example/>",
        "<link rel=stylesheet href=//evil.example/x.css>",
    ),
    *("<meta http-equiv=refresh content='0;url=javascript:{0}'>", "<style>@import'//evil.example/x.css';</style>"),
    *(
        "<style>*{{background:url(//evil.example/x)}}</style>",
        "<img src=//evil.example/x.png>",
        "<div style='background:url(//evil.example/y)'>x</div>",
    ),
    *(
        "javascript:{0}",
        "JaVaScRiPt:{0}//",
        "javascript://%0a{0}",
        '"onmouseover={0} x="',
        "' onmouseover={0} x='",
        "`onmouseover={0}`",
    ),
    *(
        "--><script>{0}</script>",
        "]]><script>{0}</script>",
        "<!--<img src=--><img src=x onerror={0}//>",
        "<x onclick={0}>x</x>",
    ),
    *("<noscript><p title='</noscript><img src=x onerror={0}>'>", "<template><script>{0}</script></template>"),
    *(
        "\\u003cscript\\u003e{0}\\u003c/script\\u003e",
        "&lt;script&gt;{0}&lt;/script&gt;",
        "%3Cscript%3E{0}%3C/script%3E",
    ),
    *(
        "<b onpointerrawupdate={0}>x</b>",
        "<a href='javascript:{0}'>glucagon</a> 330 pg/mL",
        "<br><b>bold</b><sup>x</sup>",
    ),
    *(
        "constructor.constructor('{0}')()",
        "__proto__",
        '{{"props":{{"children":"x"}},"type":"Iframe","namespace":"dash_html_components"}}',
    ),
)
XSS = tuple(tag.format(_CODE) for tag in _TAGS)
TEMPLATES = ("{{7*7}}", "${7*7}", "%(x)s", "{0.__class__}", "{n}", "#{7*7}", "<%= 7*7 %>", "%n%s%d", "{{config}}")
SQL = (
    *(
        "'",
        '"',
        "';--",
        "' OR '1'='1",
        "1; DROP TABLE patient;--",
        "') OR ('1'='1",
        "%' AND 1=1--",
        "\\'; SELECT 1--",
        "1 OR 1=1",
    ),
    *(
        "'; SELECT pg_sleep(2)--",
        "1 AND (SELECT 1 FROM pg_sleep(2))",
        "' || (SELECT pg_sleep(2)) || '",
        "'; SELECT randomblob(1000000000)--",
    ),
    *(
        "' AND randomblob(1000000000) IS NOT NULL--",
        "' UNION SELECT NULL,NULL,NULL--",
        "' ORDER BY 99--",
        "name; DROP TABLE audit",
        "%",
        "_",
        "%%%",
    ),
    *(
        "(SELECT password_hash FROM person)",
        "CASE WHEN 1=1 THEN name ELSE mrn END",
        "1/0",
        "' AND 1=CAST((SELECT email FROM person) AS int)--",
    ),
)
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("//evil.example")',
    "=cmd|' /C calc'!A0",
    "%0A=1+1",
    "\n=1",
)
LINES = (
    "a\nb",
    "a\rb",
    "a\r\nBcc: x@evil.example",
    "\x1b[31mred\x1b[0m",
    "a\u2028b",
    "a\u0085b",
    '{"level":"info"}',
    "x" * 100_000,
)


def naughty() -> list[str]:
    """The big list of naughty strings beside the project, but for those with NUL; none where the list is not."""
    path = SHARED / "blns.json"
    if not path.is_file():
        return []
    return [text for text in json.loads(path.read_text(encoding="utf-8")) if text.strip() and "\x00" not in text]
