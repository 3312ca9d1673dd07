#!/usr/bin/env node
// `npm run bench:store`: a GGUF file of the official one's keys, tensors and size, served from this machine, is
// imported into a browser's store and loaded from there again: what memory the browser takes, and what time.
import { readFileSync } from 'node:fs';
import { openBrowser } from '../web/browsers.mjs';
import { serveModel } from '../web/model-server.mjs';
import { startServer } from '../web/server.mjs';
import { makeSource, TINY } from './import-sources.mjs';
import { OFFICIAL } from './official.mjs';
import { positive, readTexts, runMain, UsageError } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, machine, markdown, memoryOf } from './report.mjs';

const help = `usage: npm run bench:store -- [options]

  --shape 2B4T                  also tiny
  --hosts chromium,firefox
  --context 512                 tokens the engine makes room for
  --kv f32                      also f16 and int8
  --threads N                   without it, the engine's choice
  --tokens 32                   decoded after the second load
`;
const HOSTS = ['chromium', 'firefox'];
const SHAPES = { '2B4T': OFFICIAL, tiny: TINY };
const defaults = {
    ...{ shape: '2B4T', hosts: HOSTS.join(), context: '512', kv: 'f32', tokens: '32' },
};

const SAMPLE_MS = 100;
const RECORD_BYTES = 16 * 2 ** 20;
const RESERVE = 300e6;
/** How much more than before the page's load a browser may have: the model, its context, three records, 300 MB. */
const boundOf = (info) => info.modelBytes + memoryOf(info, 0).kvBytes + 3 * RECORD_BYTES + RESERVE;

/** Does some work and looks meanwhile how much more memory a browser has than before: its result, and the most. */
async function watched(browser, work) {
    const before = browser.memory();
    let most = before;
    const look = () => (most = Math.max(most, browser.memory()));
    const timer = setInterval(look, SAMPLE_MS);
    try {
        const result = await work();
        look();
        return { result, growth: most - before };
    } finally {
        clearInterval(timer);
    }
}

/* ---- what runs in the page ---- */

const inPage = {
    import: async (url, options) => {
        const begin = performance.now();
        const phases = {};
        const onProgress = ({ phase }) => (phases[phase] = (performance.now() - begin) / 1000);
        const model = await window.Trit.load(url, { ...options, onProgress });
        const seconds = (performance.now() - begin) / 1000;
        const { info } = model;
        model.close();
        const [{ bytes }] = await window.Trit.models();
        return { seconds, phases, info, bytes };
    },
    again: async (url, options, maxTokens) => {
        const begin = performance.now();
        const model = await window.Trit.load(url, options);
        const loaded = (performance.now() - begin) / 1000;
        const stream = model.generate('ten teat', { temperature: 0, maxTokens });
        let first;
        for await (const _ of stream) first ??= (performance.now() - begin) / 1000;
        const { ids, timings } = await stream.result;
        model.close();
        return { loaded, first, ids, timings };
    },
};

/** A page with nothing in it but the library, in a browser that has come to rest. */
async function freshPage(browser, pages) {
    const page = await browser.open(`${pages.url}/tests/web/page.html`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return page;
}

/** Imports and loads again in a browser that has stored nothing. */
async function visitTwice(host, { pages, models, options, tokens }, watch) {
    const browser = await openBrowser(host, { limitMs: 600_000 });
    try {
        let page = await freshPage(browser, pages);
        const first = await watch(browser, () => page.evaluate(inPage.import, models.url, options));
        await page.close();
        const nBefore = models.requests.length;
        page = await freshPage(browser, pages);
        const second = await watch(browser, () =>
            page.evaluate(inPage.again, models.url, options, tokens),
        );
        return { first, second, requests: models.requests.length - nBefore };
    } finally {
        await browser.close();
    }
}

/** Times are those of a browser that nobody watches: each look at its memory makes it wait. */
async function measure(host, what) {
    const timed = await visitTwice(host, what, async (_, work) => ({ result: await work() }));
    const seen = await visitTwice(host, what, watched);
    return {
        ...{ host, ...timed.first.result, again: timed.second.result },
        ...{ importGrowth: seen.first.growth, loadGrowth: seen.second.growth },
        requests: timed.requests + seen.requests,
    };
}

const isOver = ({ info, importGrowth, loadGrowth }) =>
    Math.max(importGrowth, loadGrowth) > boundOf(info);

function table(reports) {
    const mb = (bytes) => (bytes / 1e6).toFixed(0);
    const rows = reports.map((report) => {
        const { host, info, seconds, bytes, importGrowth, loadGrowth, again, requests } = report;
        return [
            ...[host, `${info.flavour}, ${info.threads}`, seconds.toFixed(1), mb(bytes)],
            `${mb(importGrowth)}, ${mb(loadGrowth)} of ${mb(boundOf(info))}` +
                (isOver(report) ? ': TOO MUCH' : ''),
            ...[again.loaded.toFixed(1), again.first.toFixed(1), String(requests)],
            figure((1000 * (again.ids.length - 1)) / again.timings.decodeMs),
        ];
    });
    const head = [
        'browser',
        'flavour, threads',
        'import s',
        'packed MB',
        'growth MB: import, load',
    ];
    const more = ['load again s', 'to first token s', 'requests', 'decode tok/s'];
    return markdown([[...head, ...more], ...rows]);
}

function readOptions(args) {
    const values = readTexts(args, [...Object.keys(defaults), 'threads'], defaults);
    const hosts = values.hosts.split(',');
    const unknown = hosts.find((name) => !HOSTS.includes(name));
    if (unknown !== undefined)
        throw new UsageError(`--hosts: there is no "${unknown}", only ${HOSTS}`);
    if (!Object.hasOwn(SHAPES, values.shape))
        throw new UsageError(`--shape: there is no "${values.shape}"`);
    const options = {
        contextLength: Math.min(positive('context', values.context), SHAPES[values.shape].nCtx),
        kv: values.kv,
        ...(values.threads ? { threads: positive('threads', values.threads) } : {}),
    };
    const tokens = positive('tokens', values.tokens);
    return { ...values, hosts, shape: SHAPES[values.shape], options, tokens };
}

async function main(args) {
    const { help: asked, hosts, shape, options, tokens } = readOptions(args);
    if (asked) return process.stdout.write(help);
    prepareTrit();
    const models = await serveModel(readFileSync(makeSource('official', shape).path), {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'content-range',
    });
    const pages = await startServer({ isolated: true });
    try {
        const reports = [];
        for (const host of hosts) {
            reports.push(await measure(host, { pages, models, options, tokens }));
            console.error(JSON.stringify(reports.at(-1)));
        }
        const { cpu, cores, load } = machine();
        console.log(`${cpu}, ${cores} cores; load ${load}\n\n${table(reports)}`);
        if (reports.some(isOver)) throw new Error('a browser takes more memory than it may');
        if (reports.some(({ requests }) => requests > 0))
            throw new Error('the second load asks the network');
    } finally {
        [pages, models].forEach((server) => server.close());
    }
}

await runMain('bench:store', main);
