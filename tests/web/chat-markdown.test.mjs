// X04: what a model may write, as the chat page shows it, cut at every place as when it streams.
import assert from 'node:assert/strict';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { serveWithHeaders } from './chat.mjs';
import { corpusOf } from './hostile-texts.mjs';
import { startServer } from './server.mjs';

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
    // quotes in quotes, too deep for those who read Markdown
    for (const depth of [500, 8000]) {
        const view = new MarkdownView();
        for (const end of ['', 'last']) view.show(`first\n\n${'>'.repeat(depth)}${end}`);
        if (!view.element.textContent.includes('last')) troubles.push(`${depth} quotes are gone`);
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
