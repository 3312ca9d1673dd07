// A whole session with the chat page: who was asked for what (X02), what remembers the words (X10), and what is left when
// everything is deleted (X11).
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatSite, copyPage, serveStatic, serveWithHeaders } from './chat.mjs';
import { startProxy } from './proxy.mjs';

const CANARY = 'zyxquokka';
const PROMPT = `Once upon a time there was a ${CANARY}`;

const inPage = {
    isReady: () =>
        Boolean(navigator.serviceWorker.controller) &&
        crossOriginIsolated &&
        /Story mode/.test(document.querySelector('#mode').textContent) &&
        document.querySelector('#stop').hidden,
    hasTold: () => document.querySelector('#messages').innerText.split(/\s+/).length > 20,
};

/** A page that is loaded again cannot answer meanwhile. */
async function until(page, state) {
    for (let tries = 0; tries < 600; tries++) {
        if (await page.evaluate(state).catch(() => false)) return;
        await wait(50);
    }
    throw new Error(`never: ${state}`);
}

async function tellStory(page) {
    await until(page, inPage.isReady);
    await page.type('#text', `${PROMPT}\n`);
    await until(page, inPage.hasTold);
    await until(page, inPage.isReady);
}

const hosts = {
    'with headers': (t) => serveWithHeaders(t),
    'on a host without headers': (t) => serveStatic(t, chatSite(t)),
};

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(`X02 ${name}: nobody but the page's own server is asked`, { skip }, async (t) => {
        const { asked, options } = await startProxy(t);
        const browser = await openBrowser(name, options);
        t.after(() => browser.close());
        // the browser looks for a new version by itself, when it likes
        const updates = new Set();
        const isOfPage = (line) => !updates.has(line);

        for (const [kind, serve] of Object.entries(hosts))
            await t.test(kind, async (t) => {
                const server = await serve(t);
                asked.length = 0;
                const page = await browser.open(server.url);
                await until(page, inPage.isReady);
                const own = asked.filter((line) => line.startsWith(`GET ${server.url}`));
                assert.ok(own.length > 20, 'requests of the page are seen');
                updates.add(`GET ${server.url}service-worker.js`);
                assert.deepEqual(
                    asked.filter((line) => !own.includes(line) && isOfPage(line)),
                    [],
                );
                asked.length = 0;
                await tellStory(page);
                assert.deepEqual(
                    asked.filter(isOfPage),
                    [],
                    'with its model the page needs nobody',
                );
                assert.deepEqual(await page.troubles(), []);
                await page.close();

                server.close();
                const next = await browser.open(server.url);
                await tellStory(next);
                assert.deepEqual(asked.filter(isOfPage), []);
                await next.close();
            });
    });
}

/** What the page's own modules can do, without its looks. */
const MAIN = `import { shell } from './shell.js';
import { Trit } from './trit/index.js';
import { deleteEverything } from './wipe.js';
Object.assign(window, { Trit, deleteEverything, shell });
window.ready = shell.ready.then(() => true);
`;

/** A page with them. */
async function openModules(t, name) {
    const page = copyPage(t);
    writeFileSync(join(page, 'main.js'), MAIN);
    const { url } = await serveWithHeaders(t, { page });
    const browser = await openBrowser(name);
    t.after(() => browser.close());
    const opened = await browser.open(url);
    await until(opened, () => window.ready);
    return { browser, url, page: opened };
}

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(`X10 X11 ${name}`, { skip }, async (t) => {
        const { page, url, browser } = await openModules(t, name);
        await t.test('X10 no report, error or console has a word of what was written', async () => {
            const said = await page.evaluate(async (prompt) => {
                const model = await window.Trit.load('tiny-stories.trit', { threads: 2 });
                const errors = [];
                const fails = (work) =>
                    Promise.resolve()
                        .then(work)
                        .then(
                            () => errors.push('no error'),
                            ({ code, message, stack }) => errors.push({ code, message, stack }),
                        );
                const { text } = await model.generate(prompt, { maxTokens: 20 }).result;
                const chat = model.chat({ system: prompt });
                await fails(() => chat.send(prompt, { maxTokens: 3, temperature: -1 }).result);
                await fails(() => model.generate(prompt.repeat(500), {}).result);
                await fails(() => model.generate({ messages: prompt }, {}).result);
                await fails(
                    () =>
                        model.generate({ messages: [{ role: prompt, content: prompt }] }, {})
                            .result,
                );
                await fails(() => model.generate(prompt, { stop: [], seed: prompt }).result);
                await model.generate(prompt, { signal: AbortSignal.abort() }).result;
                const reports = [await model.diagnostics(), await window.Trit.diagnostics()];
                model.close();
                await fails(() => model.generate(prompt, {}).result);
                return { text, errors, reports };
            }, PROMPT);
            assert.equal(said.errors.length, 6);
            assert.ok(
                said.errors.every(({ code }) => code),
                JSON.stringify(said.errors),
            );
            const all = JSON.stringify([said.errors, said.reports, await page.troubles()]);
            assert.ok(!all.includes(CANARY), all);
        });

        await t.test('X11 what is deleted is gone, and nothing of others', async () => {
            const left = await page.evaluate(async () => {
                const model = await window.Trit.load('tiny-stories.trit');
                const isStored = model.info.stored;
                model.close();
                localStorage.setItem('trit-x', '1');
                sessionStorage.setItem('trit-x', '1');
                localStorage.setItem('other', '1');
                localStorage.setItem('triton', '1');
                const opening = indexedDB.open('triton');
                await new Promise((done) => (opening.onsuccess = done));
                opening.result.close();
                const before = [await indexedDB.databases(), await caches.keys()].map(
                    (all) => all.length,
                );
                const still = await window.deleteEverything();
                const files = [];
                const folder = await navigator.storage?.getDirectory?.(); // WebKitGTK has none
                if (folder) for await (const each of folder.keys()) files.push(each);
                return {
                    ...{ isStored, before, still, files },
                    databases: await indexedDB.databases(),
                    caches: await caches.keys(),
                    local: Object.keys(localStorage).sort(),
                    session: Object.keys(sessionStorage),
                    workers: (await navigator.serviceWorker.getRegistrations()).length,
                    cookies: document.cookie,
                };
            });
            assert.deepEqual(left, {
                ...{ isStored: true, before: [2, 1], still: [], files: [] },
                ...{
                    databases: [{ name: 'triton', version: 1 }],
                    caches: [],
                    local: ['other', 'triton'],
                    session: [],
                    workers: 0,
                    cookies: '',
                },
            });
            await page.close();
            // and the page begins as it did the first time
            const again = await browser.open(url);
            await until(again, () => window.ready);
            assert.equal(await again.evaluate(() => window.shell.isKept()), true);
        });
    });
}
