// The tag <trit-chat> in pages of other people: their policies, what their scripts have done to the page's functions,
// several tags, other origins, moves. X08 and X09 are rows of the table of faults.
import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { Trit } from '../../web/node.js';
import { openBrowser } from './browsers.mjs';
import { BREAKS, EXTENDED, HOSTILE, WATCH, breaking } from './element-pages.mjs';
import { modelPath } from './helpers.mjs';
import { startServer } from './server.mjs';

const PROMPT = 'Once upon a time';
const policyOf = (elsewhere = '') =>
    `default-src 'none'; script-src 'self' 'wasm-unsafe-eval' ${elsewhere}; worker-src 'self' ${elsewhere}; ` +
    `connect-src 'self'; img-src data:; style-src 'self'; form-action 'none'; base-uri 'none'; object-src 'none'`;
const source = '/models/tiny-tales/tiny-tales.trit';
const teller = { src: source, mode: 'story', temperature: '0', 'max-tokens': '16', autoload: '' };

let story; // what the model tells
let chatted; // its answers to two questions
before(async () => {
    const greedy = { temperature: 0, maxTokens: 16 };
    const model = await Trit.load(modelPath, { threads: 1 });
    story = (await model.generate(PROMPT, greedy).result).text;
    const chat = model.chat({ system: 'Be kind.' });
    chatted = [];
    for (const text of ['A cat', 'And a dog'])
        chatted.push((await chat.send(text, greedy).result).text);
    model.close();
});

/** In a page: what a tag with these attributes comes to, that is asked at once, while something is broken or nothing. */
async function tellBy(attributes, text, broken) {
    const { harm, mend } = window.breaks?.[broken] ?? {};
    harm?.();
    const tag = window.makeTag(attributes);
    const come = (name) => new Promise((resolve) => tag.addEventListener(name, resolve));
    const ready = come('ready');
    const failed = come('error');
    document.body.append(tag); // WebKit's driver lets its promises run at once
    const { detail } = await Promise.race([failed, ready]);
    const shown = (selector) => tag.shadowRoot.querySelector(selector).textContent;
    try {
        if (detail) return { ...detail, shown: shown('.error') };
        await tag.send(text);
        const { threads, note = '' } = tag.model.info;
        return { shown: shown('.log'), threads, note };
    } catch ({ code, message }) {
        return { code, message };
    } finally {
        tag.remove();
        mend?.();
    }
}

/** In a page: until the engines of the tags before have ended. */
const untilIdle = () => window.until(() => window.workers.ended === window.workers.started);

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());
        /** A server of pages with the tag; `asked` are the files that were asked for. */
        const serve = async ({ before = '', from = '', policy, headers = {}, ...options } = {}) => {
            const asked = [];
            const server = await startServer({
                isolated: false,
                ...options,
                files: {
                    '/before.js': WATCH + before,
                    '/element.js': `import '${from}/web/element.js';`,
                    ...options.files,
                },
                headersOf: (path) => {
                    asked.push(path);
                    return { ...headers, ...(policy ? { 'content-security-policy': policy } : {}) };
                },
            });
            t.after(() => server.close());
            return { ...server, asked };
        };
        const openPage = (server) => browser.open(`${server.url}/tests/web/element.html`);
        /** The drivers of Firefox and WebKit try `eval` themselves. */
        const isOurs = (violation) => name === 'chromium' || violation !== 'script-src eval';
        const plain = await serve({ policy: policyOf() });
        /** A page that is closed after the test. */
        const inPage = async (subtest, server = plain) => {
            const page = await openPage(server);
            subtest.after(() => page.close());
            return page;
        };

        await t.test('a strict policy, and nothing but the keyboard', async (t) => {
            const page = await inPage(t);
            const note = await page.evaluate(async () => {
                await window.until(() => window.inside('.note')?.textContent);
                return window.inside('.note').textContent;
            });
            assert.equal(note, '3 MB, MIT');
            const before = await page.evaluate(() => {
                window.told = [];
                for (const type of ['progress', 'ready', 'answer'])
                    window.one.addEventListener(type, () => window.told.push(type));
                document.addEventListener('keydown', ({ key }) => window.told.push(key));
                window.one.focus();
                return [window.one.model, window.inside('textarea')];
            });
            assert.deepEqual(before, [null, null], 'nothing is loaded unasked');
            await page.press('Enter'); // on the button
            await page.evaluate(() => window.until(() => window.one.model));
            for (const key of PROMPT) await page.press(key === ' ' ? 'Space' : key);
            await page.press('Enter');
            const after = await page.evaluate(async () => {
                await window.until(() => window.told.includes('answer'));
                return {
                    shown: window.inside('.log').textContent,
                    elements: window.inside('.log').querySelectorAll('*').length,
                    told: [...new Set(window.told)],
                    written: window.inside('textarea').value,
                    focus: window.one.shadowRoot.activeElement.localName,
                    history: window.one.history,
                    violations: window.violations,
                };
            });
            after.violations = after.violations.filter(isOurs);
            assert.deepEqual(after, {
                shown: PROMPT + story,
                elements: 2,
                told: ['progress', 'ready', 'answer'], // and no key: those are not the page's
                written: '',
                focus: 'textarea',
                history: [
                    { role: 'user', content: PROMPT },
                    { role: 'assistant', content: story },
                ],
                violations: [],
            });
            assert.deepEqual(await page.troubles(), []);
        });

        await t.test('with and without isolation', async (t) => {
            for (const isolated of [true, false]) {
                const server = await serve({ isolated, policy: policyOf() });
                const page = await inPage(t, server);
                const got = await page.evaluate(tellBy, teller, PROMPT);
                assert.equal(got.shown, PROMPT + story);
                if (isolated) assert.ok(got.threads > 1, `${got.threads}, ${got.note}`);
                else assert.equal(got.threads, 1);
            }
        });

        await t.test('from another origin', async (t) => {
            const elsewhere = await serve({
                headers: {
                    'access-control-allow-origin': '*',
                    'cross-origin-embedder-policy': 'require-corp',
                },
            });
            const workerUrl = '/own/trit-worker.js';
            const files = { [workerUrl]: `import '${elsewhere.url}/web/remote-worker.js';` };
            for (const isolated of [true, false]) {
                const policy = policyOf(elsewhere.url);
                const server = await serve({ isolated, policy, files, from: elsewhere.url });
                const page = await inPage(t, server);
                const own = { ...teller, 'worker-url': workerUrl };
                const got = await page.evaluate(tellBy, own, PROMPT);
                assert.equal(got.shown, PROMPT + story);
                assert.equal(got.threads > 1, isolated);
                const refused = await page.evaluate(tellBy, teller, PROMPT);
                assert.equal(refused.code, 'WORKER_ORIGIN');
                assert.ok(refused.shown.includes('worker-url'), refused.shown);
                assert.ok(refused.shown.startsWith(elsewhere.url), refused.shown);
                const violations = await page.evaluate(() => window.violations);
                assert.deepEqual(violations.filter(isOurs), []);
            }
        });

        await t.test(
            'tags that want the same have one engine, and talks of their own',
            async (t) => {
                const page = await inPage(t);
                const got = await page.evaluate(
                    async (attributes, text) => {
                        const { workers, until, addTag } = window;
                        window.one.remove();
                        await until(() => workers.started === workers.ended);
                        const before = workers.started;
                        const chat = { ...attributes, mode: 'chat', system: 'Be kind.' };
                        const tags = [attributes, chat, chat, { ...attributes, threads: '1' }];
                        const [teller, a, b, other] = tags.map(addTag);
                        await until(() => [teller, a, b, other].every((tag) => tag.model));
                        const started = workers.started - before;
                        const asked = (tag, words) => tag.send(words).then((result) => result.text);
                        const answers = await Promise.all([asked(a, 'A cat'), asked(b, 'A cat')]);
                        answers.push(await asked(teller, text), await asked(other, text));
                        answers.push(await asked(a, 'And a dog'), await asked(b, 'And a dog'));
                        const [{ model }] = [teller];
                        const isOne =
                            a.model === model && b.model === model && other.model !== model;
                        document.querySelector('html').append(a);
                        for (const tag of [teller, b]) tag.remove();
                        await new Promise((resolve) => setTimeout(resolve, 50));
                        const kept = [
                            a.model === model,
                            await model.countTokens('x'),
                            a.history.length,
                        ];
                        const ended = [workers.ended - before];
                        a.remove();
                        const code = await until(() => workers.ended > before).then(() =>
                            model.countTokens('x').catch((error) => error.code),
                        );
                        other.remove();
                        await until(() => workers.ended === workers.started);
                        return { started, answers, isOne, kept, ended, code, model: a.model };
                    },
                    ...[teller, PROMPT],
                );
                assert.deepEqual(got, {
                    started: 2,
                    answers: [chatted[0], chatted[0], story, story, chatted[1], chatted[1]],
                    isOne: true,
                    kept: [true, got.kept[1], 5],
                    ended: [0],
                    code: 'DISPOSED',
                    model: null,
                });
            },
        );

        await t.test('options of a wrong kind are refused before anything is asked', async (t) => {
            const page = await inPage(t);
            const got = await page.evaluate(async (attributes) => {
                const tag = window.addTag({ ...attributes, mode: 'chat', system: 'Be kind.' });
                await window.until(() => tag.model);
                const codes = [];
                for (const options of [null, 7, { signal: {} }])
                    codes.push(await tag.send('A cat', options).catch((error) => error.code));
                return [codes, (await tag.send('A cat')).text];
            }, teller);
            assert.deepEqual(got, [['PARAM', 'PARAM', 'PARAM'], chatted[0]]);
        });

        await t.test('one that comes back goes on with what was said', async (t) => {
            const page = await inPage(t);
            const got = await page.evaluate(async (attributes) => {
                const tag = window.addTag({ ...attributes, mode: 'chat', system: 'Be kind.' });
                await window.until(() => tag.model);
                await tag.send('A cat');
                tag.remove();
                await window.until(() => !tag.model);
                tag.history.length = 0; // a copy, which is the page's
                document.body.append(tag);
                await window.until(() => tag.model);
                const { text } = await tag.send('And a dog');
                tag.clear();
                const { length } = tag.history;
                return [text, length, (await tag.send('A cat')).text];
            }, teller);
            assert.deepEqual(got, [chatted[1], 1, chatted[0]]);
        });

        await t.test(
            'a model is taken away while it answers, alone or for another tag',
            async (t) => {
                const page = await inPage(t);
                const got = await page.evaluate(
                    async (attributes, text) => {
                        const { addTag, inside, until } = window;
                        const seen = [];
                        for (const others of [0, 1]) {
                            const own = { ...attributes, 'max-tokens': '400' };
                            const tag = addTag(own);
                            if (others) addTag(own);
                            tag.addEventListener('error', ({ detail }) => seen.push(detail.code));
                            await until(() => tag.model);
                            inside('textarea', tag).value = text;
                            inside('.send', tag).click();
                            const log = inside('.log', tag);
                            await window.untilLonger(log, text.length);
                            tag.setAttribute('threads', '1'); // by which it loads anew
                            await until(() => tag.model && log.textContent === '');
                            seen.push(tag.history.length, inside('textarea', tag).value);
                        }
                        return seen;
                    },
                    ...[teller, PROMPT],
                );
                assert.deepEqual(got, [0, PROMPT, 0, PROMPT]);
            },
        );

        await t.test('one that is changed when another is ready waits for its own', async (t) => {
            const page = await inPage(t);
            const got = await page.evaluate(async (attributes) => {
                const first = window.makeTag(attributes);
                const second = window.makeTag(attributes);
                first.addEventListener('ready', () => second.setAttribute('src', '/nowhere.trit'));
                const failed = new Promise((resolve) => second.addEventListener('error', resolve));
                document.body.append(first, second);
                const { detail } = await failed;
                return [first.model !== null, detail.code, second.model];
            }, teller);
            assert.deepEqual(got, [true, 'NETWORK', null]);
        });

        await t.test('loading and answers stop, and go on when they are told to', async (t) => {
            const page = await inPage(t);
            const got = await page.evaluate(
                async (attributes, text) => {
                    const tag = window.addTag({ ...attributes, 'max-tokens': '400' });
                    const errors = [];
                    tag.addEventListener('error', ({ detail }) => errors.push(detail));
                    const loading = tag.load().catch((error) => error.code);
                    window.inside('.stop', tag).click();
                    const seen = [await loading, window.inside('.load', tag).textContent];
                    window.inside('.load', tag).click();
                    await window.until(() => tag.model);
                    const stopped = tag.send(text);
                    const log = window.inside('.log', tag);
                    await window.untilLonger(log, text.length);
                    seen.push(log.getAttribute('aria-busy'));
                    // of an input method, which takes back what it has composed
                    const escape = { key: 'Escape', isComposing: true, bubbles: true };
                    const event = new KeyboardEvent('keydown', escape);
                    const written = log.textContent.length;
                    window.inside('textarea', tag).dispatchEvent(event);
                    await window.untilLonger(log, written + 100);
                    window.inside('.stop', tag).click();
                    const result = await stopped;
                    seen.push(log.getAttribute('aria-busy'), result.finish, errors.length);
                    seen.push(log.textContent === text + tag.history[1].content);
                    // what fails is given back to the person
                    const input = window.inside('textarea', tag);
                    input.value = 'word '.repeat(600);
                    window.inside('.send', tag).click();
                    await window.until(() => errors.length > 0);
                    seen.push(errors[0].code, input.value.length, tag.history.length);
                    seen.push(window.inside('.error', tag).textContent);
                    return seen;
                },
                ...[teller, PROMPT],
            );
            const sentence = got.pop();
            assert.deepEqual(got, [
                ...['ABORTED', 'Go on loading', 'true', 'false', 'abort', 0, true],
                ...['PROMPT_TOO_LONG', 'word '.repeat(600).trim().length, 2],
            ]);
            assert.match(sentence, /^\d+ tokens do not fit .*\.$/);
        });

        await t.test('X08 scripts that have changed the page’s functions', async (t) => {
            // WebKit's driver takes what every object has for a part of its messages
            const before = name === 'webkit' ? HOSTILE : HOSTILE + EXTENDED;
            const server = await serve({ before, policy: policyOf() });
            const page = await inPage(t, server);
            const canary = 'Once upon a canary';
            const got = await page.evaluate(
                async (attributes, text) => {
                    const tag = window.addTag({ ...attributes, mode: 'chat' });
                    await window.until(() => tag.model);
                    const { text: answer } = await tag.send(text);
                    const isIn = (words, what) => words.indexOf(what) >= 0;
                    const by = (what) => {
                        const names = new Set();
                        for (let i = 0; i < window.seen.length; i++)
                            if (isIn(window.seen[i][1], what)) names.add(window.seen[i][0]);
                        return window.listOf(names);
                    };
                    return { answer, question: by(text), told: by(answer), called: by('') };
                },
                ...[teller, canary],
            );
            assert.ok(got.answer.length > 20);
            assert.deepEqual(got.question, ['Worker.postMessage']); // where it has to be
            assert.deepEqual(got.told, []);
            assert.ok(!got.called.includes('fetch'), 'the worker asks for the model');
        });

        // What is broken is broken in the same library: in Chromium each time in a page that has loaded nothing yet, in the
        // others, where a page takes long to open, in one page.
        await t.test('X08 functions that are broken fail with a sentence', async (t) => {
            const server = await serve({ before: breaking(BREAKS), policy: policyOf() });
            const shared = name === 'chromium' ? null : await inPage(t, server);
            for (const [what, [owner]] of Object.entries(BREAKS)) {
                // WebKit's driver needs arrays itself
                if (name === 'webkit' && owner === 'Array.prototype') continue;
                const page = shared ?? (await openPage(server));
                const got = await page.evaluate(tellBy, teller, PROMPT, what);
                t.diagnostic(`${what}: ${got.code ?? 'works'} ${got.message ?? ''}`);
                if (got.code) assert.match(got.message, / .* /, `${what}: ${got.code}`);
                else assert.equal(got.shown, PROMPT + story, what);
                if (shared) await shared.evaluate(untilIdle);
                else await page.close();
            }
        });

        await t.test('X09 hostile attributes are refused', async (t) => {
            const server = await serve({ policy: policyOf() });
            const page = await inPage(t, server);
            const before = server.asked.length;
            const hit = 'window.hit = 1';
            for (const [wish, code, words] of [
                [{ src: `javascript:${hit}` }, 'PARAM', /javascript:/],
                [{ src: `\u0001 java\nscript:${hit}` }, 'PARAM', /javascript:/],
                [{ src: 'data:application/octet-stream;base64,AAAA' }, 'PARAM', /data:/],
                [{ src: 'blob:https://example.com/1' }, 'PARAM', /blob:/],
                [{ src: 'file:///models/x.trit' }, 'PARAM', /file:/],
                [{ src: 'ftp://example.com/x.trit' }, 'PARAM', /ftp:/],
                [{ src: 'https://me:secret@example.com/x.trit' }, 'PARAM', /password/],
                [{ src: 'https://' }, 'PARAM', /no address/],
                [{ src: ' ' }, 'PARAM', /src is missing/],
                [{ src: 'hf:../../x' }, 'PARAM', /hf:owner/],
                [{ src: 'catalog:__proto__' }, 'PARAM', /catalogue/],
                [{ src: 'stored:../x' }, 'PARAM', /stored/],
                [{ 'worker-url': `javascript:${hit}` }, 'PARAM', /worker-url/],
                [{ 'worker-url': `data:text/javascript,${hit}` }, 'PARAM', /worker-url/],
                [{ 'worker-url': 'https://example.com/w.js' }, 'WORKER_ORIGIN', /origin/],
                [{ src: 'hf:a/b', hub: `javascript:${hit}` }, 'PARAM', /hub/],
                [{ threads: 'many' }, 'PARAM', /threads/],
                [{ 'context-length': '-1' }, 'PARAM', /contextLength/],
                [{ mode: '<b>' }, 'PARAM', /<b>/],
                [{ temperature: 'hot' }, 'PARAM', /temperature/],
                [{ 'max-tokens': '-1' }, 'PARAM', /maxTokens/],
            ]) {
                const got = await page.evaluate(tellBy, { ...teller, ...wish }, PROMPT);
                assert.equal(got.code, code, `${JSON.stringify(wish)}: ${got.message}`);
                assert.match(got.message, words);
            }
            const asked = server.asked.slice(before);
            const others = asked.filter((path) => !/^\/(web|models\/tiny-tales)\//.test(path));
            assert.deepEqual(others, []);
            const [got, violations] = await page.evaluate(() => [window.hit, window.violations]);
            assert.equal(got, null);
            assert.deepEqual(violations.filter(isOurs), []);
        });

        await t.test('markup is text', async (t) => {
            const page = await inPage(t);
            const markup =
                '<img src="/hit" onerror="window.hit = 1"><script>window.hit = 1</script>';
            const got = await page.evaluate(
                async (attributes, text) => {
                    const tag = window.addTag({ ...attributes, mode: 'chat' });
                    await window.until(() => tag.model);
                    await tag.send(text);
                    tag.setAttribute('mode', text);
                    tag.setAttribute('threads', '1');
                    await window.until(() => window.inside('.error', tag)?.textContent);
                    const names = new Set();
                    for (const { localName } of tag.shadowRoot.querySelectorAll('*'))
                        names.add(localName);
                    const log = window.inside('.log', tag).textContent;
                    const error = window.inside('.error', tag).textContent;
                    return [
                        [...names].sort(),
                        log.includes(text),
                        error.includes(text),
                        window.hit,
                    ];
                },
                ...[teller, markup],
            );
            const ours = ['button', 'div', 'form', 'p', 'progress', 'span', 'textarea'];
            assert.deepEqual(got, [ours, true, true, null]);
        });

        await t.test('it fits 240 pixels, and is light or dark as the page is', async (t) => {
            const page = await inPage(t);
            const got = await page.evaluate(
                async (attributes, text) => {
                    const tag = window.addTag({ ...attributes, placeholder: 'Write here' });
                    tag.style.width = '240px';
                    const wide = [];
                    const look = (state) => {
                        const { right } = tag.getBoundingClientRect();
                        for (const each of tag.shadowRoot.querySelectorAll('*'))
                            if (!each.closest('[hidden]') && !each.closest('.unseen'))
                                if (each.getBoundingClientRect().right > right + 0.5)
                                    wide.push(`${state}: ${each.className}`);
                    };
                    look('loading');
                    await window.until(() => tag.model);
                    await tag.send('w'.repeat(80));
                    look('ready');
                    const log = window.inside('.log', tag);
                    if (log.scrollWidth > log.clientWidth) wide.push('log');
                    tag.style.height = '9rem';
                    await tag.send('A dog'); // as long as it may be, which takes a line to say
                    const below = log.scrollHeight - log.scrollTop - log.clientHeight;
                    tag.stop();
                    const { placeholder } = window.inside('textarea', tag);
                    const colours = ['light', 'dark'].map((scheme) => {
                        document.documentElement.style.colorScheme = scheme;
                        const { color, backgroundColor } = getComputedStyle(tag);
                        return `${color} on ${backgroundColor}`;
                    });
                    tag.style.setProperty('--trit-background', 'rgb(1, 2, 3)');
                    const { backgroundColor } = getComputedStyle(tag);
                    return { wide, isAtEnd: below < 2, placeholder, colours, backgroundColor };
                },
                ...[teller],
            );
            assert.deepEqual(got, {
                wide: [],
                isAtEnd: true,
                placeholder: 'Write here',
                colours: [
                    'rgb(28, 28, 28) on rgb(255, 255, 255)',
                    'rgb(236, 236, 236) on rgb(27, 27, 29)',
                ],
                backgroundColor: 'rgb(1, 2, 3)',
            });
        });

        await t.test(
            'it keeps its style in another document, and speaks other languages',
            async (t) => {
                const page = await inPage(t);
                const got = await page.evaluate(async (attributes) => {
                    // of a document without a window, it is no element of ours before it is in this one
                    const tag = document.implementation
                        .createHTMLDocument()
                        .createElement('trit-chat');
                    for (const name of Object.keys(attributes))
                        tag.setAttribute(name, attributes[name]);
                    tag.setAttribute('mode', 'chat');
                    tag.texts = { clear: 'Neu' };
                    document.body.append(tag);
                    await window.until(() => tag.model);
                    const clear = window.inside('.clear', tag).textContent;
                    tag.texts = { send: 'Senden', input: 'Ihre Nachricht' };
                    const frame = document.createElement('iframe');
                    document.body.append(frame);
                    const { model } = tag;
                    frame.contentDocument.body.append(tag);
                    await new Promise((resolve) => setTimeout(resolve, 50));
                    const template = document.createElement('template');
                    template.content.append(tag); // no style is there, and no trouble
                    frame.contentDocument.body.append(tag);
                    return {
                        clear,
                        display: frame.contentWindow.getComputedStyle(tag).display,
                        isKept: tag.model === model,
                        send: window.inside('.send', tag).textContent,
                        stop: tag.texts.stop,
                        input: window.inside('textarea', tag).getAttribute('aria-label'),
                        log: window.inside('.log', tag).getAttribute('role'),
                    };
                }, teller);
                assert.deepEqual(got, {
                    clear: 'Neu',
                    display: 'block',
                    isKept: true,
                    send: 'Senden',
                    stop: 'Stop',
                    input: 'Ihre Nachricht',
                    log: 'log',
                });
                assert.deepEqual(await page.troubles(), []);
            },
        );
    });
}
