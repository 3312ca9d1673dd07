// X05: the texts of hostile-texts.mjs wherever the page shows words that are not its own and no answer of a model: titles,
// messages, system prompts, names of models and files, addresses, errors. (Names that stand inside a model's file are shown nowhere.) X09: addresses that are none of a model.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatPage } from './chat-page.mjs';
import { serveWithHeaders } from './chat.mjs';
import { temporaryFolder } from './helpers.mjs';
import { corpusOf } from './hostile-texts.mjs';
import { startServer } from './server.mjs';

/** In the page: tells from now on what its policy has stopped. */
function watch() {
    window.stopped = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        window.stopped.push(`${violatedDirective} ${blockedURI}`),
    );
}

/** In the page: what stands in it that is none of its own. */
function strangers() {
    const own = new Set(
        'HEADER BUTTON H1 H2 H3 SPAN P NAV LABEL INPUT UL OL LI DIV MAIN SELECT OPTION FORM TEXTAREA METER DIALOG PROGRESS DETAILS SUMMARY'.split(
            ' ',
        ),
    );
    const inText = new Set(
        'STRONG EM DEL BR HR BLOCKQUOTE PRE CODE A TABLE THEAD TBODY TR TH TD'.split(' '),
    );
    const attributes = new Set(
        (
            'id class type hidden role tabindex title for name value min max step high open rows placeholder autocomplete autofocus ' +
            'spellcheck required accept multiple disabled method data-key data-known data-does data-chosen href rel target start'
        ).split(' '),
    );
    const isFine = (each) =>
        (own.has(each.tagName) || (inText.has(each.tagName) && each.closest('.markdown'))) &&
        [...each.attributes].every(
            ({ name }) => attributes.has(name) || name.startsWith('aria-'),
        ) &&
        (!each.hasAttribute('href') || each.closest('.markdown'));
    const found = [...document.body.querySelectorAll(':not(noscript)')].filter(
        (each) => !isFine(each),
    );
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    return [
        ...found.map((each) => each.outerHTML),
        ...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `twice: ${id}`),
        ...window.stopped,
        ...(window.hit ? ['a script has run'] : []),
    ];
}

/** In the page: lets a file fall onto it. */
async function drop(name, source) {
    const bytes = source ? await (await fetch(source)).arrayBuffer() : 'no model';
    const files = new DataTransfer();
    files.items.add(new File([bytes], name));
    document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }),
    );
}

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(`X05 X09 ${name}: whatever somebody writes or names is text`, { skip }, async (t) => {
        const asked = [];
        const evil = await startServer({ headersOf: (path) => (asked.push(path), {}) });
        const { url } = await serveWithHeaders(t, { allowed: [evil.url] });
        const browser = await openBrowser(name);
        t.after(async () => {
            await browser.close();
            evil.close();
        });
        const page = chatPage(await browser.open(url));
        await page.ready();
        await page.evaluate(watch);
        const corpus = corpusOf(evil.url);
        const check = async (what) => assert.deepEqual(await page.evaluate(strangers), [], what);
        await check('nothing yet');

        const file = join(temporaryFolder(t), 'x.json');
        const conversations = corpus.map((text) => ({
            ...{ title: text, mode: 'chat', settings: { system: text } },
            messages: ['user', 'assistant', 'user'].map((role) => ({ role, text })),
        }));
        writeFileSync(file, JSON.stringify({ format: 'trit-chat', version: 1, conversations }));
        await page.uploadFile('#import-file', file);
        await page.until(
            'all',
            (n) => document.querySelectorAll('.title').length === n,
            corpus.length,
        );
        await check('titles');
        for (let i = 0; i < corpus.length; i++) {
            const shown = await page.evaluate(async (n) => {
                const item = document.querySelectorAll('#conversations > li')[n];
                item.querySelector('.title').click();
                const [rename, , , remove] = item.querySelectorAll('.menu div button');
                const questions = [];
                for (const ask of [rename, remove]) {
                    ask.click();
                    const dialog = document.querySelector('dialog[open]');
                    questions.push(
                        dialog.querySelector('h2').textContent,
                        dialog.getElementsByTagName('*').length,
                    );
                    dialog.close();
                }
                document.querySelector('#open-settings').click();
                const system = document.querySelector('#setting-system').value;
                const text = document.querySelector('#messages .plain').textContent;
                return { questions, system, text, title: document.title };
            }, i);
            await check('a conversation');
            await page.evaluate(() => document.querySelector('#settings').close());
            assert.ok(shown.questions[2].startsWith('Delete “'));
            assert.deepEqual(
                [shown.questions[1], shown.questions[3]],
                [6, 5],
                'elements of a question',
            );
            assert.ok(shown.text.length > 10 && shown.title.endsWith(' – trit'));
            assert.ok(
                corpus.some((text) => text.replace(/\r\n?/g, '\n') === shown.system),
                shown.system,
            );
        }

        const markup = corpus.filter((text) => text.includes('onerror'));
        for (const text of markup) {
            await page.evaluate(() => (document.querySelector('#models-trouble').textContent = ''));
            await page.evaluate(drop, text, null);
            await page.until(
                'a refusal',
                () => document.querySelector('#models-trouble').textContent,
            );
            await check('the name of a file that is none');
        }
        for (const text of markup.slice(0, 2)) {
            await page.evaluate(drop, text, '/tiny-stories.trit');
            await page.until(
                'it',
                (wanted) => document.querySelector('#model-name').textContent === wanted,
                text,
            );
            await page.click('#open-models');
            await page.until(
                'its name',
                (wanted) =>
                    [...document.querySelectorAll('#stored h3')].some(
                        (each) => each.textContent === wanted,
                    ),
                text,
            );
            await check('the name of a model');
            await page.press('Escape');
        }

        await page.click('#open-models');
        /** Writes it where an address is wanted, and gives what is said of it. */
        const refusal = async (source) => {
            await page.evaluate((value) => {
                document.querySelector('#models-trouble').textContent = '';
                document.querySelector('#source').value = value;
                const event = new Event('submit', { cancelable: true });
                document.querySelector('#source-form').dispatchEvent(event);
            }, source);
            const said = await page.until(
                'a refusal',
                () => document.querySelector('#models-trouble').textContent,
            );
            await check('an address, and an error that may name it');
            return said;
        };
        const others = [
            'javascript:window.hit=1',
            'data:application/octet-stream,x',
            'blob:null/x',
        ];
        others.push(
            'file:///etc/passwd',
            'ftp://host.example/m',
            '//host.example/m',
            '',
            'stored:x',
        );
        for (const source of others)
            assert.match(await refusal(source), /is no address of a model/);
        for (const text of markup) {
            await refusal(text);
            assert.ok((await refusal(`catalog:${text}`)).includes('onerror'));
        }
        assert.deepEqual(asked, []);
    });
}
