// Kills browsers, and Node, at random moments of a load that stores, starts them again and looks at what is there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Trit } from '../../web/node.js';
import { random } from '../golden/generated.mjs';
import { openBrowser } from './browsers.mjs';
import { cli, modelPath } from './helpers.mjs';
import { partHeaders, serveModel } from './model-server.mjs';
import { startServer } from './server.mjs';

const RECORD = 1 << 17;
const RECORD_HEAD = 72;
const PIECE = 1 << 15;
/** How long the server thinks, and how long it rests after each piece: a load takes about a second. */
const THINK_MS = 60;
const REST_MS = 8;
const LOAD_OPTIONS = { threads: 1, flavour: 'simd128', store: { recordBytes: RECORD } };
const PROMPT = 'Once upon a time';
const ANSWER = { temperature: 0, maxTokens: 12 };

/**
 * What is loaded: the bytes that are served, and the packed file that has to be in the store afterwards.
 * @typedef {{bytes: Buffer, packed: Buffer, imported: boolean}} Source
 */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** When it is killed: after so many bytes have been sent, and so many milliseconds later. */
const MOMENTS = {
    'before the first byte': (next) => ({ bytes: 0, ms: THINK_MS * next() }),
    'in the middle': (next, total) => ({ bytes: next() * total, ms: REST_MS * next() }),
    'while a record is stored': (next, total) => ({
        bytes: (1 + Math.floor(next() * Math.floor(total / RECORD))) * RECORD,
        ms: 5 * next(),
    }),
    'in the last record': (next, total) => ({
        bytes: total - next() * (total % RECORD),
        ms: 5 * next(),
    }),
    'after the last byte': (next, total) => ({ bytes: total, ms: 60 * next() }),
};

/** What was found after a kill, by which runs are counted. */
function kindOf(nBytes, all, complete) {
    if (complete) return 'complete';
    if (nBytes === 0) return 'nothing';
    return nBytes === all ? 'all records, not complete' : 'some records';
}

/** Sends slowly, and tells how many bytes of the answers have gone. */
async function servePaced(bytes) {
    const server = await serveModel(bytes, {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'content-range',
    });
    server.begin = (paced) => (server.round = { paced, sent: 0, onSent: () => {} });
    server.fault = (request, response, begin, end) => {
        response.writeHead(206, partHeaders(server, begin, end));
        send(server.round, response, bytes.subarray(begin, end));
        return true;
    };
    return server;
}

/** A round is a load from its begin until it is killed or done: how much it was sent counts by itself. */
async function send(round, response, bytes) {
    const rest = async (ms) => round.paced && (await wait(ms));
    round.onSent();
    await rest(THINK_MS);
    for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE) {
        const piece = bytes.subarray(at, at + PIECE);
        response.write(piece);
        round.sent += piece.length;
        round.onSent();
        await rest(REST_MS);
    }
    response.end();
}

/** Resolves when so much of a round has been sent, and then a little later. */
async function reached(round, { bytes, ms }) {
    await new Promise((resolve) => {
        round.onSent = () => round.sent >= bytes && resolve();
    });
    await wait(ms);
}

/* ---- hosts: something that loads the model from the server, can be killed, and tells what it has stored ---- */

// What runs in the page; the last one's own connection reads what is really there.
const inPage = {
    begin: (url, options) => void window.Trit.load(url, options).catch(() => {}),
    answer: async (url, options, prompt, wish) => {
        const model = await window.Trit.load(url, options);
        const { ids } = await model.generate(prompt, wish).result;
        model.close();
        return { ids, models: await window.Trit.models() };
    },
    /**
     * Asks the database itself, whatever the library says: for keys and values of the packed file's records, beside
     * which those of a source's header stand, or to have none left.
     */
    ask: async (method, prefix) => {
        const name = 'trit-models';
        const known = await indexedDB.databases();
        if (!known.some((database) => database.name === name)) return []; // nor is it to be made here
        const done = (request) =>
            new Promise((resolve, reject) => {
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            });
        window.db ??= await done(indexedDB.open(name));
        const store = window.db.transaction('values', 'readwrite').objectStore('values');
        const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
        if (method === 'delete') return done(store.delete(range));
        const [keys, values] = await Promise.all(
            ['getAllKeys', method].map((name) => done(store[name](range))),
        );
        const isOfFile = (_, i) => /\d{8}$/.test(keys[i]);
        const base64 = (buffer) =>
            new Promise((resolve) => {
                const reader = new FileReader();
                reader.onload = () => resolve(reader.result.split(',')[1]);
                reader.readAsDataURL(new Blob([buffer]));
            });
        const found = values.filter(isOfFile);
        return method === 'getAll' ? Promise.all(found.map(base64)) : found;
    },
};

async function browserHost(name) {
    const profile = mkdtempSync(join(tmpdir(), 'trit-killed-'));
    const pages = await startServer({ isolated: true });
    let browser, page;
    return {
        start: async () => {
            browser = await openBrowser(name, { profile });
            page = await browser.open(`${pages.url}/tests/web/page.html`);
        },
        begin: (url) => page.evaluate(inPage.begin, url, LOAD_OPTIONS),
        kill: () => browser.kill(),
        answer: (url) => page.evaluate(inPage.answer, url, LOAD_OPTIONS, PROMPT, ANSWER),
        records: () => page.evaluate(inPage.ask, 'getAllKeys', 'record/'),
        values: async () => {
            const texts = await page.evaluate(inPage.ask, 'getAll', 'record/');
            return texts.map((text) => Buffer.from(text, 'base64'));
        },
        clear: () => page.evaluate(inPage.ask, 'delete', ''),
        close: async () => {
            await browser?.close();
            pages.close();
            rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
        },
    };
}

const nodeFile = fileURLToPath(new URL('kill-process.mjs', import.meta.url));

function nodeHost() {
    const cache = mkdtempSync(join(tmpdir(), 'trit-killed-'));
    let child;
    const start = (...args) => {
        const env = { ...process.env, TRIT_CACHE: cache };
        const request = JSON.stringify(args);
        return spawn(process.execPath, [nodeFile, request], {
            env,
            stdio: ['ignore', 'pipe', 'inherit'],
        });
    };
    const ask = async (...args) => {
        let text = '';
        const asked = start(...args);
        for await (const part of asked.stdout) text += part;
        return JSON.parse(text);
    };
    const files = async () => {
        const names = await readdir(cache, { recursive: true }).catch(() => []);
        return names.filter((name) => /^record\/[0-9a-f]{64}\/\d{8}$/.test(name)).sort();
    };
    return {
        start: () => {},
        begin: (url) => void (child = start('load', url, LOAD_OPTIONS)),
        kill: async () => {
            const isOver = child.exitCode !== null;
            const gone = once(child, 'exit');
            child.kill('SIGKILL');
            if (!isOver) await gone;
        },
        answer: (url) => ask('answer', url, LOAD_OPTIONS, PROMPT, ANSWER),
        records: files,
        values: async () => Promise.all((await files()).map((name) => readFile(join(cache, name)))),
        clear: () => rmSync(cache, { recursive: true }),
        close: () => rmSync(cache, { recursive: true, force: true }),
    };
}

const openHost = (name) => (name === 'node' ? nodeHost() : browserHost(name));

/* ---- runs ---- */

/** The records that were told as stored until it was killed. */
async function listUntil(killed, host) {
    let told = [];
    let over = false;
    killed.then(() => (over = true));
    while (!over) {
        try {
            told = await host.records();
        } catch {
            break; // it is gone
        }
        await wait(2);
    }
    return told;
}

/** One kill, and what comes after it. */
async function killOnce(host, server, moment, { bytes, packed, imported }, expected) {
    const first = server.begin(true);
    const killed = reached(first, moment).then(() => host.kill());
    await host.begin(server.url);
    const told = await listUntil(killed, host);
    await killed;

    const second = server.begin(false);
    const nBefore = server.requests.length;
    await host.start();
    const found = await host.records();
    const nBytes = fileBytes(await host.values());
    assert.deepEqual(
        told.filter((name) => !found.includes(name)),
        [],
        'records that had been told as stored are lost',
    );
    const { ids, models } = await host.answer(server.url);
    assert.deepEqual(ids, expected, 'the model answers otherwise');
    assert.deepEqual(
        models.map(({ state }) => state),
        ['complete'],
    );
    const again = second.sent - (packed.length - nBytes);
    if (!imported) assert.ok(again <= RECORD, `${again} bytes are sent again that are stored`);
    checkValues(await host.values(), packed);
    const kind = kindOf(nBytes, packed.length, server.requests.length === nBefore);
    await host.clear();
    return { told: told.length, kind, twice: first.sent + second.sent - bytes.length };
}

const fileBytes = (values) =>
    values.reduce((sum, { length }) => sum + Math.max(0, length - RECORD_HEAD), 0);

/** Every record has the hash that it promises, and together they are the file. */
function checkValues(values, packed) {
    for (const value of values)
        assert.equal(sha256(value.subarray(32)), value.toString('hex', 0, 32));
    const file = Buffer.concat(values.map((value) => value.subarray(RECORD_HEAD)));
    assert.ok(file.equals(packed), 'the records are not the file');
}

/** @returns {Promise<Source>} a packed file, or one that is packed while it comes */
async function sourceOf(kind) {
    const packed = readFileSync(modelPath);
    if (kind === 'packed') return { bytes: packed, packed, imported: false };
    const folder = mkdtempSync(join(tmpdir(), 'trit-killed-'));
    try {
        const path = join(folder, 'model.gguf');
        for (const args of [
            ['convert', modelPath, '--to', 'tq2_0', '-o', path],
            ['pack', path, '-o', `${path}.trit`],
        ]) {
            const { code, stderr } = await cli(...args);
            assert.equal(code, 0, stderr);
        }
        const [bytes, made] = [path, `${path}.trit`].map((name) => readFileSync(name));
        return { bytes, packed: made, imported: true };
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** What the model answers where nothing was killed. */
async function answerOf(source) {
    const model = await Trit.load(source, { threads: 1, flavour: 'simd128' });
    const { ids } = await model.generate(PROMPT, ANSWER).result;
    model.close();
    return ids;
}

/**
 * Kills a host so often, at its moments in turn. Throws at the first that leaves something wrong.
 * @param {'chromium' | 'firefox' | 'node'} name
 * @param {'packed' | 'imported'} kind
 * @param {{runs: number, seed: number, report: (line: string) => void}} options
 * @returns {Promise<{told: number, kind: string, twice: number}[]>} of each: the records that had been told as stored, what was
 *   there, and how many bytes were sent in both loads
 */
export async function killOften(name, kind, { runs, seed, report }) {
    const source = await sourceOf(kind);
    const expected = await answerOf(modelPath);
    const next = random(seed);
    const server = await servePaced(source.bytes);
    const host = await openHost(name);
    const results = [];
    try {
        await host.start();
        for (let run = 0; run < runs; run++) {
            const [when, momentOf] = Object.entries(MOMENTS)[run % Object.keys(MOMENTS).length];
            const moment = momentOf(next, source.bytes.length);
            const line = `${name}, ${kind}, seed ${seed}, kill ${run + 1} ${when}`;
            try {
                const result = await killOnce(host, server, moment, source, expected);
                results.push(result);
                report(`${line}: ${result.kind}, ${result.told} told, ${result.twice} bytes twice`);
            } catch (error) {
                error.message = `${line} (${JSON.stringify(moment)}): ${error.message}`;
                throw error;
            }
        }
        return results;
    } finally {
        await host.close();
        server.close();
    }
}
