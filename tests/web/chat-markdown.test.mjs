// X04, X05: what a model or anybody may write, as the chat page shows it, cut at every place as when it streams.
import assert from 'node:assert/strict';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { serveWithHeaders } from './chat.mjs';
import { startServer } from './server.mjs';

/** Where all that is fetched would be seen. */
const corpusOf = (evil) => [
    '<script>window.hit = 1</script>',
    `<script src="${evil}/s.js"></script>`,
    '<img src=x onerror="window.hit = 1">',
    `<img src="${evil}/i.png">`,
    '<svg onload="window.hit = 1"><animate onbegin="window.hit = 1" attributeName=x dur=1s></svg>',
    '<svg><style><img src=x onerror=window.hit=1></style></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hit=1&gt;">',
    '<form><math><mtext></form><form><mglyph><style></math><img src onerror=window.hit=1>',
    '<noscript><p title="</noscript><img src=x onerror=window.hit=1>">',
    '<template><img src=x onerror=window.hit=1></template>',
    `<iframe src="${evil}/f.html" srcdoc="<script>parent.hit=1</script>"></iframe>`,
    `<object data="${evil}/o"></object><embed src="${evil}/e">`,
    `<link rel=stylesheet href="${evil}/l.css"><style>@import "${evil}/st.css"; body { background: url(${evil}/bg) }</style>`,
    `<meta http-equiv=refresh content="0;url=${evil}/m"><base href="${evil}/">`,
    `<video src="${evil}/v" autoplay onloadstart=window.hit=1></video><audio src="${evil}/a">`,
    `<form action="${evil}/form"><input autofocus onfocus=window.hit=1><button formaction="${evil}/b">x</button></form>`,
    '<details open ontoggle=window.hit=1><summary>x</summary></details>',
    '<p style="position:fixed;inset:0" id="send" class="main" name="x" data-does="resume">over all</p>',
    '<a href="javascript:window.hit=1" onclick="window.hit=1">x</a>',
    '[x](javascript:window.hit=1) [x](JaVaScRiPt:window.hit=1) [x](java\tscript:window.hit=1) [x](&#106;avascript:window.hit=1)',
    '[x](data:text/html,<script>window.hit=1</script>) [x](vbscript:x) [x](blob:x) [x](file:///etc/passwd)',
    '[x](//evil.example) [x](http://plain.example) [x](https://user:secret@host.example/) [x](/relative) [x](#settings)',
    '[looks](https://good.example "onmouseover=window.hit=1") [x](<https://good.example/" onclick="window.hit=1>)',
    '<https://auto.example/?q="><img src=x onerror=window.hit=1>> <javascript:window.hit=1> <me@mail.example>',
    'https://bare.example/path?x=<b>&y="z" www.bare.example me@mail.example',
    `![tracked](${evil}/md.png?secret) ![x](javascript:window.hit=1) ![x][ref]\n\n[ref]: ${evil}/ref.png`,
    `[![nested](${evil}/n.png)](https://good.example) [ref]\n\n[ref]: javascript:window.hit=1 "x"`,
    '| a | <img src=x onerror=window.hit=1> |\n|---|:-:|\n| `<b>` | [x](javascript:window.hit=1) |',
    '```html"><img src=x onerror=window.hit=1>\n<script>window.hit = 1</script>\n```\n`<script>`',
    '    <script>window.hit=1</script>\n\n- [ ] <b>x</b>\n- [x] y\n\n> <i>q</i>\n\n3. three\n4. four',
    '# <u>head</u>\n\nunder <s>line</s>\n===\n\n***both*** ~~gone~~ **<b>x</b>**  \nnext&lt;b&gt; &#60;script&#62;',
    '`admin\u202etxt.exe` \u200bzero\u2066width\n\n```\nif (a) {\u202e } \u2066// x\u2069\n```',
    '\u0000<scr\u0000ipt>window.hit=1</script>\ud800<\udc00img src=x onerror=window.hit=1>',
    '<![CDATA[<img src=x onerror=window.hit=1>]]><?php x ?><!DOCTYPE x><!-- --!><img src=x onerror=window.hit=1> -->',
    '<x-y onclick=window.hit=1>custom</x-y><slot></slot><dialog open>x</dialog><trit-chat src=x></trit-chat>',
    // blocks that become others when the text goes on
    '- a\n\n- b\n\n  c\n\n1. d\n\n2. e\n| a |\n|---|\n| b |\n\nhead\nmore\n===\n\n    code\r\n\r\n    code\n\n> q\n\n> r\n\n[x][ref] [ref]\n\n[ref]: https://good.example\n',
];

/** In the page: shows every beginning of a text, and tells what is in the document that may not be. */
async function show(texts) {
    const { MarkdownView } = await import('/markdown.js');
    const troubles = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        troubles.push(`${violatedDirective} ${blockedURI}`),
    );
    const allowed = new Map(
        Object.entries({
            ...{
                DIV: 'class tabindex role aria-label',
                P: '',
                BR: '',
                HR: '',
                STRONG: '',
                EM: '',
                DEL: '',
            },
            ...{
                BLOCKQUOTE: '',
                PRE: 'tabindex',
                CODE: '',
                A: 'href target rel',
                UL: '',
                OL: 'start',
                LI: '',
            },
            ...{ TABLE: '', THEAD: '', TBODY: '', TR: '', TH: '', TD: '', BUTTON: 'type class' },
        }).map(([tag, names]) => [tag, names.split(' ')]),
    );
    const isFine = ({ tagName, attributes }) =>
        [...attributes].every(({ name }) => allowed.get(tagName)?.includes(name)) &&
        allowed.has(tagName);
    const isPlain = ({ href, rel, target, textContent }) =>
        /^https:\/\/[^@]*$/.test(href) &&
        rel.includes('noopener') &&
        target === '_blank' &&
        textContent === href;
    let shown = 0;
    for (const text of texts) {
        const view = new MarkdownView();
        document.body.append(view.element);
        for (let n = 1; n <= text.length; n++) {
            view.show(text.slice(0, n));
            shown++;
            for (const each of view.element.querySelectorAll('*'))
                if (!isFine(each)) troubles.push(each.outerHTML);
            for (const each of view.element.querySelectorAll('a'))
                if (!isPlain(each)) troubles.push(each.outerHTML);
        }
        const whole = new MarkdownView();
        whole.show(text);
        if (whole.element.innerHTML !== view.element.innerHTML)
            troubles.push(`grown ${view.element.innerHTML} is not ${whole.element.innerHTML}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500)); // what would be loaded is asked for by then
    return { shown, troubles, hit: window.hit ?? null, text: document.body.innerText };
}

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(
        `X04 ${name}: nothing that a model writes becomes an element, an attribute or a request`,
        { skip },
        async (t) => {
            const asked = [];
            const evil = await startServer({ headersOf: (path) => (asked.push(path), {}) });
            const chat = await serveWithHeaders(t, { allowed: [evil.url] });
            const browser = await openBrowser(name);
            t.after(async () => {
                await browser.close();
                evil.close();
            });
            const page = await browser.open(chat.url);
            const corpus = corpusOf(evil.url);
            const { shown, troubles, hit, text } = await page.evaluate(show, corpus);
            assert.deepEqual(troubles, []);
            assert.equal(hit, null);
            assert.deepEqual(asked, []);
            t.diagnostic(`${corpus.length} texts, ${shown} beginnings`);
            // it is all there to read
            assert.ok(text.includes('<img src=x onerror="window.hit = 1">'));
            assert.ok(text.includes('admin\\u202etxt.exe'));
        },
    );
}
