import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { chooseBuild } from './features.js';
import { withNetwork } from './filling.js';
import { checkLoadOptions, startEngine } from './load.js';
import { MOST_BYTES, mega } from './memory.js';
import { addressesOf, placeOf } from './place.js';
import { readSides, tensorFiles } from './source.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./load.js').Platform} Platform */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */

/**
 * What is known of a model before it is loaded.
 * @typedef {object} Probe
 * @property {number | null} bytes of its files, null when a server does not say
 * @property {'packed' | 'gguf' | 'safetensors'} container
 * @property {number | null} memoryBytes of the engine with the model, its context, and what loading takes besides; null
 *   when it is more than can be counted
 * @property {boolean} fits whether that is there, as far as anybody says
 * @property {{decodeTokensPerSecond: number, prefillTokensPerSecond: number} | null} expected as measured now, for
 *   half a second; null for what does not fit
 * @property {boolean} stored whether it loads without the network
 * @property {string | null} licence as the file says it, or the catalogue
 * @property {string | null} note why it does not fit, or is slower than it could be
 */

/** Of a file that is asked for at a time, as a header is of unknown length. */
const PART_BYTES = 1 << 20;

/** Of a sample, at least: what fits caches would be too fast. */
const SAMPLE_BYTES = 64 << 20;
const SAMPLE_PREFILL = 64;
/** Milliseconds of decoding, after as many tokens as it takes for the engine to compile its loops well. */
const SAMPLE_MS = 250;
const WARM_TOKENS = 4;
/** Of which the fastest counts, as others' work only slows it down. */
const RUNS = 2;
/** As many as a tokenizer of bytes has. */
const LEAST_IDS = 512;

/**
 * @param {Platform} platform
 * @param {import('./source.js').Source} source
 * @param {LoadOptions} options
 * @returns {Promise<Probe>}
 */
export async function probe(platform, source, options) {
    const { head, kernels, i2s, contextLength, kv, network } = checkLoadOptions(options);
    const { signal, store = true } = options;
    const place = await placeOf(source, options);
    const as = { head, i2s, sha256: options.sha256 ?? place.sha256 };
    if (place.storedId !== undefined)
        throw new TritError('PARAM', 'a stored model needs no probe: Trit.models() tells of it');
    if (!place.canAgain)
        throw new TritError('PARAM', 'a stream can be read only once: load it without a probe');
    const { client, choice } = await startEngine(
        platform,
        chooseBuild(options, platform.cores),
        options,
    );
    try {
        await client.call('beginLoad', [{ head, kernels, i2s, planOnly: true }], { signal });
        const settings = { contextLength, kv };
        const found = await withNetwork(platform, client, { network, signal }, async (open) =>
            readHeader(open, client, await place.find(open, signal), settings, signal),
        );
        const { addresses } = place;
        const stored = addresses !== undefined && (await isStored(client, addresses, as));
        const records = addresses && store ? 3 * defaults.recordBytes : 0;
        const memoryBytes = found.planned && found.planned.memoryBytes + records;
        const lack = lackOf(memoryBytes, platform.memoryBytes);
        const expected = lack ? null : await measure(client, found.planned, signal);
        return {
            bytes: found.bytes,
            container: found.container,
            memoryBytes,
            fits: !lack,
            expected,
            stored,
            licence: licenceOf(found.planned?.card) ?? place.licence ?? null,
            note: lack ?? choice.note ?? null,
        };
    } finally {
        client.close();
    }
}

/**
 * Hands the engine as much of the source as it takes to know the model.
 * @param {import('./source.js').Open} open
 * @param {Client} client
 * @param {import('./place.js').Resolved} source
 * @param {import('./protocol.js').Settings} settings
 * @param {AbortSignal} [signal]
 */
async function readHeader(open, client, source, settings, signal) {
    let index;
    for await (const [name, text] of readSides(neededSides(source), open, signal)) {
        await client.call('side', [name, text], { signal });
        if (name === 'index') index = text;
    }
    const [first, ...others] = tensorFiles(source, index);
    if (first.name !== undefined) await client.call('shard', [first.name], { signal });
    const found = {
        planned: /** @type {any} */ (null),
        container: /** @type {Probe['container']} */ ('packed'),
        bytes: /** @type {number | null} */ (null),
    };
    try {
        for await (const { chunk, total } of beginning(open, first.bytes, signal)) {
            if (found.bytes === null) found.container = containerOf(source, chunk);
            found.bytes = total ?? null;
            await client.call('push', [chunk], { signal });
            found.planned = await client.call('planned', [settings], { signal });
            if (found.planned) break;
        }
        if (!found.planned) throw new TritError('TRUNCATED', 'the file ends inside its header');
    } catch (error) {
        // weights or a context that cannot even be counted
        if (!(error instanceof TritError) || error.code !== 'OOM') throw error;
    }
    for (const { bytes } of others) {
        const { total } = await open(bytes, signal, { begin: 0, end: 1 });
        found.bytes = found.bytes === null || total === undefined ? null : found.bytes + total;
    }
    return found;
}

/**
 * The tokenizer is large, and no memory to speak of.
 * @param {any} source
 */
function neededSides(source) {
    if (!source?.tensors) return source;
    const { tensors, config, index } = source;
    return { tensors, config, ...(index === undefined ? {} : { index }) };
}

/**
 * A file from its beginning; of an address in parts, so that not much more is sent than is looked at.
 * @param {import('./source.js').Open} open
 * @param {import('./source.js').Bytes} place
 * @param {AbortSignal} [signal]
 */
async function* beginning(open, place, signal) {
    const isAddress = addressesOf(place) !== undefined;
    for (let begin = 0; ;) {
        const part = isAddress ? { begin, end: 2 * begin + PART_BYTES } : {};
        const { total, chunks } = await open(place, signal, part);
        const before = begin;
        for await (const chunk of chunks) {
            begin += chunk.length;
            yield { chunk, total };
        }
        if (!isAddress || begin === before || begin === total) return;
    }
}

/**
 * @param {any} source
 * @param {Uint8Array} head
 * @returns {Probe['container']}
 */
function containerOf(source, head) {
    if (source?.tensors) return 'safetensors';
    return new TextDecoder().decode(head.slice(0, 4)) === 'GGUF' ? 'gguf' : 'packed';
}

/**
 * Whether a model of these addresses, loaded in this way, is in the store as a whole.
 * @param {Client} client
 * @param {string[]} addresses
 * @param {{head?: string, i2s?: string, sha256?: string}} as
 */
async function isStored(client, addresses, as) {
    const wanted = JSON.stringify([addresses, as]);
    try {
        /** @type {import('./protocol.js').StoredModel[]} */
        const models = await client.call('models', []);
        return models.some(({ state, about }) => {
            const found = JSON.stringify([about?.source, about?.as]);
            return state === 'complete' && found === wanted;
        });
    } catch {
        return false; // there is no storage here
    }
}

/**
 * Why there is not enough memory, if that is known.
 * @param {number | null} needed
 * @param {number | undefined} there
 */
function lackOf(needed, there = MOST_BYTES) {
    const most = Math.min(MOST_BYTES, there);
    if (needed !== null && needed <= most) return undefined;
    const what = needed === null ? `more than ${mega(MOST_BYTES)}` : mega(needed);
    const whose = most < MOST_BYTES ? 'this device has' : 'WebAssembly can have';
    return `it needs ${what} of memory, and ${mega(most)} is all that ${whose}: choose a smaller contextLength or model`;
}

/** @param {any} card */
function licenceOf(card) {
    const text = card?.licence ?? card?.license;
    return typeof text === 'string' ? text : undefined;
}

/**
 * Times a model of random weights: the planned one with a share of its layers and of its ids, and with all of both
 * the time is so many times longer.
 * @param {Client} client
 * @param {any} planned
 * @param {AbortSignal} [signal]
 */
async function measure(client, { nLayer, nVocab, nCtx, modelBytes }, signal) {
    const layers = Math.min(nLayer, Math.ceil((nLayer * SAMPLE_BYTES) / modelBytes));
    const times = nLayer / layers;
    const ids = Math.max(LEAST_IDS, Math.round(nVocab / times));
    const contextLength = Math.min(nCtx, 2 * SAMPLE_PREFILL);
    const prefill = Math.min(SAMPLE_PREFILL, contextLength >> 1);
    await client.call('sample', [layers, ids, { contextLength }], { signal });
    const run = (/** @type {number} */ decode) =>
        client.call('measure', [prefill, decode], { signal });
    const { decodeMs } = await run(WARM_TOKENS);
    const wanted = (SAMPLE_MS * WARM_TOKENS) / RUNS / decodeMs;
    const n = Math.min(prefill, Math.max(WARM_TOKENS, Math.floor(wanted)));
    /** @type {{prefillMs: number, decodeMs: number}[]} */
    const runs = [];
    for (let i = 0; i < RUNS; i++) runs.push(await run(n));
    const best = (/** @type {'decodeMs' | 'prefillMs'} */ name) =>
        Math.min(...runs.map((timed) => timed[name]));
    const perSecond = (/** @type {number} */ tokens, /** @type {number} */ ms) =>
        Number(((1000 * tokens) / (ms * times)).toPrecision(2));
    return {
        decodeTokensPerSecond: perSecond(n, best('decodeMs')),
        prefillTokensPerSecond: perSecond(prefill, best('prefillMs')),
    };
}
