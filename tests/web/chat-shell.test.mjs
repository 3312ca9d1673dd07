// The chat page on a host that sends no headers, where its service worker does what is missing: isolation, the policy, use without
// a network, one version at a time, and nothing but the bytes that it was made of (X07).
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { headersFor } from '../../examples/chat/headers.mjs';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatSite, copyPage, serveStatic } from './chat.mjs';

/** What the page of these tests runs: of the chat page its shell, and the engine. */
const MAIN = `import { shell } from './shell.js';
import { Trit } from './trit/index.js';
window.shell = shell;
window.version = 1;
window.state = null;
window.begun = shell.ready.then(() => ({ note: shell.note }), ({ name, message }) => ({ name, message }));
void window.begun.then((state) => (window.state = state));
window.tell = async () => {
    const { note, name } = await window.begun;
    if (name) return null;
    const model = await Trit.load('tiny-stories.trit', { store: false });
    const { text } = await model.generate('Once upon a time', { temperature: 0, maxTokens: 5 }).result;
    const { threads } = model.info;
    model.close();
    return { text, threads, note };
};
`;
const STORY = ', there was a little';

/** A page whose files are kept is loaded again, once: WebKit's driver never answers a promise of the page before. */
async function untilBegun(page) {
    const begun = () => page.evaluate(() => window.state);
    for (let tries = 0; tries < 200; tries++) {
        const state = await begun().catch(() => null);
        if (state) return state;
        await wait(50);
    }
    throw new Error('the page does not begin');
}

/** The site, which may be changed, at an address that stays. */
async function makeHost(t) {
    const page = copyPage(t);
    writeFileSync(join(page, 'main.js'), MAIN);
    const folder = chatSite(t, { page });
    return { page, folder, ...(await serveStatic(t, folder)) };
}

const inPage = {
    tell: () => window.tell(),
    state: () => ({
        isIsolated: crossOriginIsolated,
        isControlled: Boolean(navigator.serviceWorker?.controller),
        kind: performance.getEntriesByType('navigation')[0].type,
        version: window.version,
    }),
    isKept: () => window.shell.isKept(),
    hashOf: async (name) => {
        const response = await fetch(name);
        const hash = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
        return [response.status, Array.from(new Uint8Array(hash)).join()];
    },
    headersOf: async (name) => Object.fromEntries((await fetch(name)).headers),
    spoil: async (name) => {
        const [own] = (await caches.keys()).filter((each) => each.startsWith('trit-shell'));
        const cache = await caches.open(own);
        const url = new URL(name, document.baseURI).href;
        const bytes = new Uint8Array(await (await cache.match(url)).arrayBuffer());
        bytes[bytes.length - 1] ^= 1;
        await cache.put(url, new Response(bytes));
    },
    untilUpdate: async () => {
        await (await navigator.serviceWorker.getRegistration()).update();
        while (!window.shell.hasUpdate) await new Promise((resolve) => setTimeout(resolve, 20));
        return window.version;
    },
};

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(`the page on a host without headers, in ${name}`, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());
        const open = async (url) => {
            const page = await browser.open(url);
            const begun = await untilBegun(page);
            return { ...page, begun };
        };

        await t.test('it is loaded again once, and is isolated then', async (t) => {
            const host = await makeHost(t);
            const page = await open(host.url);
            assert.deepEqual(page.begun, { note: '' });
            const isolated = { isIsolated: true, isControlled: true, version: 1 };
            const kind = name === 'webkit' ? 'navigate' : 'reload'; // as WebKit calls what a script did
            assert.deepEqual(await page.evaluate(inPage.state), { ...isolated, kind });
            const told = await page.evaluate(inPage.tell);
            assert.ok(told.threads > 1, `${told.threads} threads`);
            assert.equal(told.text, STORY);
            assert.equal(await page.evaluate(inPage.isKept), true);
            for (const file of ['trit/worker.js', 'trit/dist/trit-mt-relaxed.wasm', 'index.html']) {
                const headers = await page.evaluate(inPage.headersOf, file);
                for (const [header, value] of Object.entries(headersFor()))
                    assert.equal(headers[header.toLowerCase()], value, `${file}: ${header}`);
            }
            assert.deepEqual(await page.troubles(), []);
            await page.close();

            // and then needs no server
            host.close();
            const next = await open(`${host.url}?words=of#more`);
            assert.equal((await next.evaluate(inPage.tell)).text, STORY);
            assert.deepEqual(await next.evaluate(inPage.state), { ...isolated, kind: 'navigate' });
            assert.equal(await next.evaluate(inPage.isKept), true);
            await next.close();
        });

        await t.test('X07 a file that is another one is refused', async (t) => {
            for (const file of [
                'trit/dist/trit-st-simd128.wasm',
                'trit/worker.js',
                'tiny-stories.trit',
            ]) {
                const host = await makeHost(t);
                const path = join(host.folder, file);
                const bytes = readFileSync(path);
                bytes[bytes.length - 1] ^= 1;
                writeFileSync(path, bytes);
                const page = await open(host.url);
                assert.equal(page.begun.name, 'ShellRefused', JSON.stringify(page.begun));
                assert.match(page.begun.message, new RegExp(`${file} is not what this version`));
                await page.close();
            }
        });

        await t.test('X07 so is one that was changed where it is kept', async (t) => {
            const host = await makeHost(t);
            const page = await open(host.url);
            const [, right] = await page.evaluate(inPage.hashOf, 'trit/worker.js');
            await page.evaluate(inPage.spoil, 'trit/worker.js');
            // there is a good one to be had
            assert.deepEqual(await page.evaluate(inPage.hashOf, 'trit/worker.js'), [200, right]);
            host.close();
            const [status] = await page.evaluate(inPage.hashOf, 'trit/worker.js');
            assert.equal(status, 503);
            assert.equal(await page.evaluate(inPage.isKept), false);
            await page.close();
        });

        await t.test('a new version waits until the old one is closed', async (t) => {
            const host = await makeHost(t);
            const page = await open(host.url);
            const [, before] = await page.evaluate(inPage.hashOf, 'main.js');
            appendFileSync(join(host.page, 'main.js'), 'window.version = 2;\n');
            chatSite(t, { page: host.page, folder: host.folder });
            assert.equal(await page.evaluate(inPage.untilUpdate), 1);
            assert.deepEqual(await page.evaluate(inPage.hashOf, 'main.js'), [200, before]);
            const second = await open(host.url);
            assert.equal((await second.evaluate(inPage.state)).version, 1);
            assert.equal(await second.evaluate(() => window.shell.useUpdate()), false);
            await second.close();
            let newest = 2;
            // WebKit's driver answers nothing more for a page that a script has loaded again
            if (name !== 'webkit') {
                await page.evaluate(() => void window.shell.useUpdate());
                for (
                    let tries = 0;
                    (await page.evaluate(() => window.version).catch(() => 0)) !== 2;
                    tries++
                ) {
                    assert.ok(tries < 400, 'the new version does not come');
                    await wait(50);
                }
                assert.deepEqual(await untilBegun(page), { note: '' });
                assert.equal(await page.evaluate(inPage.isKept), true);
                assert.equal(await page.evaluate(async () => (await caches.keys()).length), 1);

                // without a click it is there when the page is opened the next time
                appendFileSync(join(host.page, 'main.js'), 'window.version = 3;\n');
                chatSite(t, { page: host.page, folder: host.folder });
                assert.equal(await page.evaluate(inPage.untilUpdate), 2);
                newest = 3;
            }
            await page.close();
            for (let tries = 0, version; version !== newest; tries++) {
                assert.ok(tries < 30, 'the newest version does not come');
                await wait(200); // browsers notice a little later that nobody has the old one open
                const next = await open(host.url);
                ({ version } = await next.evaluate(inPage.state));
                await next.close();
            }
        });

        await t.test('in another page it registers nothing, and has one thread', async (t) => {
            const host = await makeHost(t);
            writeFileSync(
                join(host.folder, 'outer.html'),
                '<!doctype html><iframe src="./"></iframe>',
            );
            const outer = await browser.open(`${host.url}outer.html`);
            const told = await outer.evaluate(async () => {
                const inside = document.querySelector('iframe').contentWindow;
                while (!inside.tell) await new Promise((resolve) => setTimeout(resolve, 20));
                return inside.tell();
            });
            assert.equal(told.text, STORY);
            assert.equal(told.threads, 1);
            assert.match(told.note, /one thread: it stands in another page/);
            const all = await outer.evaluate(
                async () => (await navigator.serviceWorker.getRegistrations()).length,
            );
            assert.equal(all, 0);
            await outer.close();
        });

        await t.test('where loading it again does not help, it is done once', async (t) => {
            const host = await makeHost(t);
            const path = join(host.folder, 'service-worker.js');
            const text = readFileSync(path, 'utf8');
            const open2 = text.replace(
                '"Cross-Origin-Opener-Policy": "same-origin"',
                '"X-None": ""',
            );
            assert.notEqual(open2, text);
            writeFileSync(path, open2);
            const page = await open(host.url);
            assert.match(page.begun.note, /one thread: its host sends no headers/);
            assert.equal((await page.evaluate(inPage.tell)).threads, 1);
            await page.close();
        });
    });
}

const skip = browserMissing('firefox') ?? false;
test('without service workers it needs its server, and says so', { skip }, async (t) => {
    const browser = await openBrowser('firefox', {
        preferences: { 'dom.serviceWorkers.enabled': false },
    });
    t.after(() => browser.close());
    const { url } = await makeHost(t);
    const page = await browser.open(url);
    const told = await page.evaluate(inPage.tell);
    assert.match(told.note, /needs its server at each start, and computes with one thread/);
    assert.equal(told.text, STORY);
    assert.equal(await page.evaluate(inPage.isKept), false);
});
