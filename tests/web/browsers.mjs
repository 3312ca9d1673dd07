// One way to drive the three engines: Chromium through puppeteer, Firefox and WebKit through the WebDriver that
// each has.
import puppeteer from 'puppeteer-core';
import { browserProgram } from '../../wasm/toolchain/browsers.mjs';
import { launchFirefox } from './firefox.mjs';
import { keysOf } from './keys.mjs';
import { killTree, memoryOfPage, memoryOfTree, treeOf } from './processes.mjs';
import { launchWebKit } from './webkit.mjs';

/** A page that hangs is to cost its test no more; what takes longer asks for it. */
const LIMIT_MS = 60_000;

/** The same of a page that does not load; on a busy machine one takes some seconds. */
const LOAD_MS = 30_000;

const CHROMIUM_ARGS = [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    // What the address bar suggests stands in pages of their own, half of what a start computes.
    '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
    // Of several pages only one is in front.
    ...['--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'],
];

const launchers = {
    chromium: (options) => launchChromium(browserProgram('chromium'), options),
    firefox: (options) => launchFirefox(browserProgram('firefox'), options),
    webkit: (options) => launchWebKit(browserProgram('webkit'), options),
};

/**
 * @typedef {object} Page
 * @property {(source: Function | string, ...args: any[]) => Promise<any>} evaluate runs a function or an
 *   expression in the page and waits for its promise; arguments and result go through JSON, with null
 *   for undefined
 * @property {(selector: string, path: string) => Promise<void>} uploadFile chooses a file in an input
 * @property {(selector: string) => Promise<void>} click with the mouse, where it can be seen
 * @property {(selector: string, text: string) => Promise<void>} type key by key, behind what stands in the field
 * @property {(keys: string) => Promise<void>} press a key in what has the focus, as 'Enter' or 'Shift+Tab' (keys.mjs)
 * @property {(path: string) => Promise<void>} screenshot of what is in view, as PNG
 * @property {(width: number, height: number) => Promise<void>} viewport how large the page is, in its own pixels; WebKit's
 *   window is no narrower than 450
 * @property {() => Promise<string[]>} troubles what the page has thrown and written to the console; of
 *   Firefox and WebKit nothing of workers, and nothing from before the driver reached the page
 * @property {(isOffline: boolean) => Promise<void>} [setOffline] in Chromium
 * @property {import('puppeteer-core').Tracing} [tracing] of Chromium
 * @property {() => Promise<void>} close
 * @property {(command: string, parameters: object) => Promise<any>} [devtools] a command of Chromium's own
 * @property {(path: string) => Promise<number>} [heapBytes] in Chromium, what the page and its workers of this file have on
 *   their heaps, with buffers beside them
 * @property {(path: string, expression: string) => Promise<any>} [inWorkers] in Chromium, runs an expression in each of the
 *   page's workers of this file; a thread of an engine waits for work and would not answer
 */

/**
 * @typedef {object} Browser
 * @property {(url: string) => Promise<Page>} open waits until the page has loaded, its modules included
 * @property {() => Promise<void>} close
 * @property {() => Promise<void>} kill ends all its processes as a crash would; not of WebKit
 * @property {(fields?: string[]) => number} memory bytes that all its processes have, on Linux (processes.mjs); not of WebKit
 * @property {(fields: string[]) => number} pageMemory of the process of its page, where only one works
 * @property {(name: string) => void} signal sends a signal to all its processes, as SIGSTOP does what a sleep of the machine does
 *
 * @typedef {object} BrowserOptions
 * @property {number} [limitMs] how long one call of `evaluate` may take
 * @property {number} [loadMs] how long a page may take to load; WebKit then has one more try
 * @property {string} [profile] a folder that keeps what the browser keeps, for the next one that is opened with
 *   it; without it the profile is empty, and forgotten afterwards. WebKit's driver knows no other
 * @property {string[]} [args] more words of Chromium's command line
 * @property {Record<string, string | number | boolean>} [preferences] of Firefox
 */

/**
 * @param {'chromium' | 'firefox' | 'webkit'} name
 * @param {BrowserOptions} [options]
 * @returns {Promise<Browser>}
 */
export async function openBrowser(
    name,
    { limitMs = LIMIT_MS, loadMs = LOAD_MS, profile, args = [], preferences = {} } = {},
) {
    const browser = await launchers[name]({ limitMs, loadMs, profile, args, preferences });
    return {
        async open(url) {
            const { run, ...page } = await browser.open(url);
            return { ...page, evaluate: (source, ...args) => evaluate(run, source, args) };
        },
        close: browser.close,
        kill: browser.kill,
        memory: (fields) => memoryOfTree(browser.pid, fields),
        pageMemory: (fields) => memoryOfPage(browser.pid, fields),
        signal: (name) => treeOf(browser.pid).forEach((pid) => process.kill(pid, name)),
    };
}

async function evaluate(run, source, args) {
    const value = typeof source === 'string' ? source : `(${source})(...${JSON.stringify(args)})`;
    return JSON.parse(await run(`(async () => JSON.stringify((await (${value})) ?? null))()`));
}

async function pressKeys(keyboard, keys) {
    const held = keys.slice(0, -1);
    for (const key of held) await keyboard.down(key);
    await keyboard.press(keys.at(-1));
    for (const key of held.reverse()) await keyboard.up(key);
}

async function launchChromium(executablePath, { limitMs, loadMs, profile, args }) {
    const launched = await puppeteer.launch({
        ...{ executablePath, args: [...CHROMIUM_ARGS, ...args], protocolTimeout: limitMs },
        userDataDir: profile,
        // Chromium then ends when this process does, even when it is killed.
        pipe: true,
    });
    const open = async (url) => {
        const page = await launched.newPage();
        const troubles = [];
        page.on('pageerror', (error) => troubles.push(String(error)));
        page.on('console', (message) => troubles.push(message.text()));
        const crashed = new Promise((_, reject) => page.once('error', reject));
        crashed.catch(() => {}); // when nothing is under way
        try {
            await page.goto(url, { timeout: loadMs });
        } catch (error) {
            await page.close();
            throw error;
        }
        let session;
        const ownSession = () => (session ??= page.createCDPSession());
        const workers = (path) => page.workers().filter((each) => each.url().endsWith(path));
        return {
            devtools: async (command, parameters) => (await ownSession()).send(command, parameters),
            heapBytes: async (path) => {
                const clients = [await ownSession(), ...workers(path).map(({ client }) => client)];
                const usages = await Promise.all(
                    clients.map((client) => client.send('Runtime.getHeapUsage')),
                );
                return usages.reduce(
                    (sum, usage) =>
                        sum +
                        usage.usedSize +
                        usage.embedderHeapUsedSize +
                        usage.backingStorageSize,
                    0,
                );
            },
            inWorkers: (path, expression) =>
                Promise.all(
                    workers(path).map((worker) => worker.evaluate(expression).catch(() => {})), // it has just ended
                ),
            run: (expression) => Promise.race([page.evaluate(expression), crashed]),
            uploadFile: async (selector, path) => (await page.$(selector)).uploadFile(path),
            click: (selector) => page.click(selector),
            type: async (selector, text) => {
                await page.focus(selector);
                await page.keyboard.press('End', { commands: ['MoveToEndOfDocument'] });
                await page.keyboard.type(text);
            },
            press: (keys) => pressKeys(page.keyboard, keysOf(keys)),
            screenshot: (path) => page.screenshot({ path }),
            viewport: (width, height) => page.setViewport({ width, height }),
            troubles: async () => troubles,
            tracing: page.tracing,
            setOffline: (isOffline) => page.setOfflineMode(isOffline),
            close: () => page.close(),
        };
    };
    const { pid } = launched.process();
    return { open, pid, kill: () => killTree(pid), close: () => launched.close() };
}
