// X01: whatever a script in the chat page does, no other server hears of it, unless a person clicks on a link. The vectors of
// leaks.js run in the page in place of its main.js: as `npm start` serves it, and on a host that sends no headers. That
// they would be heard is shown by the same page without a policy.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatSite, copyPage, serveStatic, serveWithHeaders } from './chat.mjs';
import { root } from './helpers.mjs';
import { connections, departures, packets, requests } from './leaks.js';
import { listenForConnections, listenForPackets, listenForRequests } from './listening.mjs';

/** Milliseconds for what has been set going to arrive. */
const ARRIVAL_MS = 2000;

const LISTENERS = {
    ...Object.fromEntries(Object.keys(connections).map((way) => [way, listenForConnections])),
    ...Object.fromEntries(Object.keys(packets).map((way) => [way, listenForPackets])),
};

/** Windows that nobody clicked for are to open, where they can. */
const WITHOUT_BLOCKER = { 'dom.disable_open_during_load': false };

const MAIN = `import { leak } from './leaks.js';
import { shell } from './shell.js';
window.leak = leak;
window.ready = shell.ready.then(() => shell.note);
`;
const UNPROTECTED = `<!doctype html><title>leaks</title><link rel="manifest" href="manifest.webmanifest">
<body><script type="module" src="main.js"></script>`;

/** The page with the vectors in it, and with a worker that its first script lets through as its own. */
function leakingPage(t) {
    const page = copyPage(t);
    for (const name of ['leaks.js', 'leak-worker.js'])
        cpSync(join(root, 'tests/web', name), join(page, name));
    writeFileSync(join(page, 'main.js'), MAIN);
    const boot = readFileSync(join(page, 'boot.js'), 'utf8');
    const more = boot.replace(
        "['service-worker.js'",
        "$&, 'leak-worker.js', 'leak-worker.js#nested'",
    );
    assert.notEqual(more, boot);
    writeFileSync(join(page, 'boot.js'), more);
    return page;
}

const hosts = {
    'without a policy': (t) => {
        const folder = chatSite(t, { page: leakingPage(t) });
        writeFileSync(join(folder, 'index.html'), UNPROTECTED);
        writeFileSync(join(folder, 'main.js'), MAIN.replace('shell.ready', 'Promise.resolve()'));
        writeFileSync(join(folder, 'shell.js'), "export const shell = { note: '' };");
        return serveStatic(t, folder);
    },
    'with headers': (t) => serveWithHeaders(t, { page: leakingPage(t) }),
    'on a host without headers': (t) => serveStatic(t, chatSite(t, { page: leakingPage(t) })),
};

/**
 * No policy speaks of it. It opens a connection and sends nothing, but names a host; only an element `link` asks for it, and
 * nothing that is written becomes one (X04).
 */
const UNSTOPPABLE = 'preconnect';

for (const name of ['chromium', 'firefox']) {
    const skip = browserMissing(name) ?? false;
    test(`X01 ${name}`, { skip }, async (t) => {
        const browser = await openBrowser(name, { preferences: WITHOUT_BLOCKER });
        t.after(() => browser.close());

        /** A page that is ready; in one that has been loaded again what had been begun is lost. */
        const open = async (url) => {
            const page = await browser.open(url);
            const isReady = () => page.evaluate(async () => ((await window.ready) ?? '') === '');
            for (let tries = 0; !(await isReady().catch(() => false)); tries++) {
                assert.ok(tries < 300, 'the page is not ready');
                await wait(100);
            }
            return page;
        };
        const leak = (page, way, url) =>
            page.evaluate((...args) => window.leak(...args), way, url).catch(String);

        /** The ways by which something was heard. */
        const heardOf = async (url) => {
            const { url: elsewhere, heard } = await listenForRequests(t);
            const addresses = {};
            for (const way of Object.keys({ ...requests, ...departures }))
                addresses[way] = elsewhere + encodeURIComponent(way);
            const counts = {};
            for (const [way, listen] of Object.entries(LISTENERS))
                ({ url: addresses[way], count: counts[way] } = await listen(t));

            const pages = [await open(url)];
            const said = {};
            for (const way of Object.keys({ ...requests, ...LISTENERS }))
                said[way] = await leak(pages[0], way, addresses[way]);
            for (const way of Object.keys(departures)) {
                const leaving = await open(url);
                pages.push(leaving);
                await leak(leaving, way, addresses[way]);
            }
            await wait(ARRIVAL_MS);
            for (const page of pages) await page.close();
            heard.delete('favicon.ico');
            for (const way of Object.keys(LISTENERS)) if (counts[way]() > 0) heard.add(way);
            return { heard: [...heard].sort(), said };
        };

        let nHeard = 0;
        for (const [kind, serve] of Object.entries(hosts))
            await t.test(kind, async (t) => {
                const { heard, said } = await heardOf((await serve(t)).url);
                if (kind === 'without a policy') {
                    nHeard = heard.length;
                    const all = Object.keys({ ...requests, ...departures, ...LISTENERS });
                    const unheard = all.filter((way) => !heard.includes(way));
                    t.diagnostic(`heard ${heard.length} of ${all.length}; not ${unheard}`);
                    assert.ok(nHeard >= 30, 'the vectors work');
                } else {
                    const got = heard.filter((way) => way !== UNSTOPPABLE);
                    assert.deepEqual(got, [], JSON.stringify(said, null, 1));
                }
            });

        await t.test('a link that a person clicks on is followed', async (t) => {
            const { url: elsewhere, heard } = await listenForRequests(t);
            const page = await open((await hosts['with headers'](t)).url);
            await page.evaluate((href) => {
                const link = Object.assign(document.createElement('a'), { href, id: 'link' });
                Object.assign(link, { target: '_blank', rel: 'noopener', textContent: 'there' });
                document.querySelector('main').prepend(link);
            }, `${elsewhere}link`);
            await page.click('#link');
            for (let tries = 0; !heard.has('link'); tries++) {
                assert.ok(tries < 400, 'nobody came');
                await wait(50);
            }
        });
    });
}
