// What `npm run soak` does in one browser, and a test does in short.
import { setTimeout as wait } from 'node:timers/promises';
import { openBrowser } from '../web/browsers.mjs';
import { startServer } from '../web/server.mjs';

/** Lets Chromium collect garbage now, which else waits for want of memory. */
const GC = ['--js-flags=--expose-gc'];

/** Without the program's files, of which other browsers that come and go leave more or less to this one. */
const OWN = ['Pss_Anon', 'Pss_Shmem'];

const LOOK_MS = 500;

const ENGINE = '/web/worker.js';

/* ---- what runs in the page ---- */

const inPage = {
    prepare: () => {
        const NativeWorker = window.Worker;
        window.Worker = class extends NativeWorker {
            constructor(...args) {
                super(...args);
                window.lastWorker = this;
            }
        };
    },
    open: async (threads) => {
        window.source = '/models/tiny-tales/tiny-tales.trit';
        window.wish = { threads };
        window.model = await window.Trit.load(window.source, window.wish);
        window.ownWorker = window.lastWorker;
    },
    /** Bytes of the engine, and what it answers. */
    look: async () => {
        const { result } = window.model.generate('Once upon a time', {
            temperature: 0,
            maxTokens: 24,
        });
        const { ids } = await result;
        const { info, restarts } = (await window.model.diagnostics()).model;
        return { ids: ids.join(), wasmBytes: info.memoryBytes, restarts };
    },
    load: async (times) => {
        for (let i = 0; i < times; i++) {
            const model = await window.Trit.load(window.source, window.wish);
            await model.generate('Once', { maxTokens: 2 }).result;
            model.close();
        }
    },
    crash: async (times) => {
        for (let i = 0; i < times; i++) {
            const result = window.model.measure({ prefill: 256, decode: 250 }); // which ends at no stop token
            await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
            window.ownWorker.terminate();
            const { code } = await result.catch((error) => error);
            if (code !== 'ENGINE_CRASHED') throw new Error(`the crash gave ${code}`);
            await window.model.tokenize('x'); // waits for the next one
            window.ownWorker = window.lastWorker;
        }
    },
    bare: async (times, threads) => {
        const bytes = window.model.info.memoryBytes;
        const module = `/web/dist/trit-mt-${window.model.info.flavour}.wasm`;
        for (let i = 0; i < times; i++) {
            const worker = new Worker('/tests/bench/bare-engine.js', { type: 'module' });
            await new Promise((resolve, reject) => {
                worker.onmessage = resolve;
                worker.onerror = ({ message }) => reject(new Error(message));
                worker.postMessage({ bytes, threads, module });
            });
            worker.terminate();
        }
    },
    speak: async (tokens) => {
        for (let said = 0; said < tokens;) {
            const { result } = window.model.generate('A king', { maxTokens: 400, seed: said });
            said += (await result).usage.completionTokens + 1;
        }
    },
};

/**
 * Has the page and its engine collect their garbage, of which an engine's that has talked is 9 MB, and Chromium give back
 * what it keeps for the next time.
 */
async function giveBack(page) {
    await page.evaluate(() => window.gc?.());
    await page.inWorkers?.(ENGINE, 'gc()');
    await page.devtools?.('Memory.simulatePressureNotification', { level: 'critical' });
}

/**
 * Bytes of the page's process, of the whole browser, and, of Chromium, on the heaps of the page and its engine, when nothing
 * is under way: the least of each for some time, as it gives back late what was collected.
 * @param {number} forMs
 */
async function settled(browser, page, forMs) {
    const least = { page: Infinity, browser: Infinity, heap: Infinity };
    for (let looks = 0; looks < forMs / LOOK_MS; looks++) {
        if (looks % 20 === 0) await giveBack(page);
        await wait(LOOK_MS);
        least.heap = Math.min(least.heap, (await page.heapBytes?.(ENGINE)) ?? 0);
        least.page = Math.min(least.page, browser.pageMemory(OWN));
        least.browser = Math.min(least.browser, browser.memory(OWN));
    }
    return least;
}

/**
 * What a page's memory is before and after so much work. As much comes before it and fills what is kept for the next time.
 * @param {'chromium' | 'firefox'} host
 * @param {{threads: number, settleMs: number}} how
 * @param {(page: import('../web/browsers.mjs').Page) => Promise<void>} work
 */
async function watched(host, { threads, settleMs }, work) {
    const server = await startServer({ isolated: true });
    const browser = await openBrowser(host, { limitMs: 3_600_000, args: GC });
    try {
        const page = await browser.open(`${server.url}/tests/web/page.html`);
        await page.evaluate(inPage.prepare);
        await page.evaluate(inPage.open, threads);
        await work(page);
        const before = await page.evaluate(inPage.look);
        const bytesBefore = await settled(browser, page, settleMs);
        await work(page);
        const after = await page.evaluate(inPage.look);
        const bytesAfter = await settled(browser, page, settleMs);
        const drift = bytesAfter.page / bytesBefore.page - 1;
        return { host, before, after, bytesBefore, bytesAfter, drift };
    } finally {
        await browser.close();
        server.close();
    }
}

/**
 * One browser's share.
 * @param {'chromium' | 'firefox'} host
 * @param {{loads: number, crashes: number, tokens: number, threads: number, settleMs: number}} times
 */
export const soak = (host, { loads, crashes, tokens, ...how }) =>
    watched(host, how, async (page) => {
        await page.evaluate(inPage.load, loads);
        await page.evaluate(inPage.crash, crashes);
        await page.evaluate(inPage.speak, tokens);
    });

/**
 * The same page with as many workers like engines, but none of our code in them: what the browser itself keeps of each.
 * @param {'chromium' | 'firefox'} host
 * @param {{loads: number, crashes: number, threads: number, settleMs: number}} times
 */
export const soakBare = (host, { loads, crashes, ...how }) =>
    watched(host, how, (page) => page.evaluate(inPage.bare, loads + crashes, how.threads));
