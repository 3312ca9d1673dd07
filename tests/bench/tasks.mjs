#!/usr/bin/env node
// `npm run bench:tasks`: how long a page's own thread is kept busy while a model is downloaded, stored, loaded from the
// store and generates; with `--page chat`, while a long answer comes into the chat page. Chromium tells tasks of 50 ms and more; elsewhere a timer that should come every 4 ms
// tells by how much it was late, which other work of the machine makes longer.
import { readFileSync } from 'node:fs';
import { openBrowser } from '../web/browsers.mjs';
import { modelPath } from '../web/helpers.mjs';
import { serveModel } from '../web/model-server.mjs';
import { startServer } from '../web/server.mjs';
import { makeSource } from './import-sources.mjs';
import { OFFICIAL } from './official.mjs';
import { readTexts, runMain, UsageError } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, machine, markdown } from './report.mjs';

const help = `usage: npm run bench:tasks -- [options]

  --page api                 a page that has nothing but the API; or chat: the chat page, also how soon it is seen
  --models tiny              also 2B4T, a GGUF file of the official one's size, in Chromium and Firefox
  --hosts chromium,firefox,webkit
`;
const HOSTS = ['chromium', 'firefox', 'webkit'];
const PAGES = { api: measureApi, chat: measureChat };
const defaults = { page: 'api', models: 'tiny', hosts: HOSTS.join() };
const SOURCES = {
    tiny: () => readFileSync(modelPath),
    '2B4T': () => readFileSync(makeSource('official', OFFICIAL).path),
};

/** In the page: the longest tasks of each phase. */
async function watchPage(url) {
    const isTold = PerformanceObserver.supportedEntryTypes.includes('longtask');
    let tasks = [];
    let late = 0;
    if (isTold)
        new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) tasks.push(duration);
        }).observe({ type: 'longtask' });
    let last = performance.now();
    setInterval(() => {
        late = Math.max(late, performance.now() - last - 4);
        last = performance.now();
    }, 4);
    const phases = {};
    const during = async (name, work) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        tasks = [];
        late = 0;
        const result = await work();
        await new Promise((resolve) => setTimeout(resolve, 200));
        phases[name] = { longest: isTold ? Math.max(0, ...tasks) : null, late };
        return result;
    };
    const wish = { contextLength: 512 };
    const first = await during('download', () => window.Trit.load(url, wish));
    first.close();
    const model = await during('load', () => window.Trit.load(url, wish));
    await during('generate', async () => {
        const stream = model.generate('Once upon a time', { maxTokens: 200, temperature: 0 });
        for await (const piece of stream) document.querySelector('#answer').textContent += piece;
    });
    model.close();
    return phases;
}

/** @param {string[]} hosts @param {string[]} names of models */
async function measureApi(hosts, names) {
    const rows = [['model', 'browser', 'phase', 'longest task ms', 'timer late by ms']];
    for (const name of names) {
        const models = await serveModel(SOURCES[name](), {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'content-range',
            'cross-origin-resource-policy': 'cross-origin',
        });
        const pages = await startServer({ isolated: true });
        for (const host of hosts) {
            const browser = await openBrowser(host, { limitMs: 1_800_000 });
            try {
                const page = await browser.open(`${pages.url}/tests/web/page.html`);
                const phases = await page.evaluate(watchPage, models.url);
                for (const [phase, { longest, late }] of Object.entries(phases)) {
                    const told = longest === null ? 'not told' : figure(longest);
                    rows.push([name, host, phase, told, figure(late)]);
                    console.error(rows.at(-1).join(', '));
                }
            } finally {
                await browser.close();
            }
        }
        [models, pages].forEach((server) => server.close());
    }
    return rows;
}

/** @param {string[]} hosts */
async function measureChat(hosts) {
    const [{ firstPaint, openLongChat }, { scriptedPage, serveWithHeaders }] = await Promise.all([
        import('../web/chat-speed.mjs'),
        import('../web/chat.mjs'),
    ]);
    const closing = [];
    const t = { after: (close) => closing.unshift(close) };
    const { url } = await serveWithHeaders(t, { page: scriptedPage(t) });
    const rows = [['browser', 'first paint ms', 'tokens', 'longest task ms', 'timer late by ms']];
    try {
        for (const host of hosts) {
            const browser = await openBrowser(host);
            try {
                const paintMs = await firstPaint(browser, url);
                const { answer } = await openLongChat(browser, url);
                const { tokens, longest, late } = await answer();
                const told = longest === null ? 'not told' : figure(longest);
                rows.push([host, figure(paintMs), String(tokens), told, figure(late)]);
                console.error(rows.at(-1).join(', '));
            } finally {
                await browser.close();
            }
        }
    } finally {
        for (const close of closing) await close();
    }
    return rows;
}

async function main(args) {
    const values = readTexts(args, Object.keys(defaults), defaults);
    if (values.help) return process.stdout.write(help);
    const [names, hosts] = [values.models.split(','), values.hosts.split(',')];
    const unknown =
        names.find((name) => !Object.hasOwn(SOURCES, name)) ??
        [values.page].find((name) => !Object.hasOwn(PAGES, name)) ??
        hosts.find((name) => !HOSTS.includes(name));
    if (unknown !== undefined) throw new UsageError(`there is no "${unknown}"`);
    prepareTrit();
    const rows = await PAGES[values.page](hosts, names);
    const { cpu, cores, load } = machine();
    console.log(`${cpu}, ${cores} cores; load ${load}\n\n${markdown(rows)}`);
}

await runMain('bench:tasks', main);
