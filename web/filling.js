import { openAddress } from './addresses.js';
import { TritError } from './errors.js';
import { Meter } from './progress.js';
import { sendChunks, sendSides } from './sending.js';
import { tensorFiles } from './source.js';
import { beginStored, readStored } from './stored.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./load.js').Platform} Platform */
/** @typedef {import('./place.js').Place} Place */
/** @typedef {ReturnType<typeof import('./source.js').resolveFiles>} Files */

/**
 * @typedef {object} Reported
 * @property {AbortSignal} [signal]
 * @property {any} about what is kept with the model
 * @property {(loaded: number, total?: number) => void} report
 */

/** Of bytes that are not those that were stored before: what the store says, and what the engine. */
const WRONG_BYTES = /^(SOURCE_CHANGED|TRUNCATED|UNSUPPORTED|BAD_\w+|(MISSING|UNKNOWN)_TENSOR)$/;
const MOST_REPAIRS = 3;

/**
 * Brings a model from its source, or from the store, into the engine.
 * @param {Platform} platform
 * @param {Client} client
 * @param {Place} place
 * @param {LoadOptions} options
 * @param {import('./protocol.js').Settings} settings
 */
export async function fillEngine(platform, client, place, options, settings) {
    return withNetwork(platform, client, options, (open, meter) =>
        refill(new Filling({ ...platform, open }, client, place, options, settings, meter)),
    );
}

/**
 * Of a whole stored model that was damaged, the store knows which bytes are right. Wrong ones may come from a cache on
 * the way, and are asked for again.
 * @param {Filling} filling
 */
async function refill(filling) {
    for (let tries = 1; ; tries++) {
        try {
            return await filling.fill(tries > 1);
        } catch (error) {
            await filling.settle();
            const isWrong = error instanceof TritError && WRONG_BYTES.test(error.code);
            if (!isWrong || !filling.isRepair) throw error;
            if (tries === MOST_REPAIRS)
                throw new TritError(
                    'SOURCE_CHANGED',
                    'the source has other bytes than when the model was stored: delete the model and load it again',
                    { cause: error },
                );
        }
    }
}

/** One model on its way from its source, and from the store, into the engine. */
class Filling {
    /** What is stored was whole before. */
    isRepair = false;
    #platform;
    #client;
    #place;
    #options;
    #settings;
    #meter;

    /**
     * @param {Platform} platform
     * @param {Client} client
     * @param {Place} place
     * @param {LoadOptions} options
     * @param {import('./protocol.js').Settings} settings
     * @param {Meter<'load'>} meter
     */
    constructor(platform, client, place, options, settings, meter) {
        this.#platform = platform;
        this.#client = client;
        this.#place = place;
        this.#options = options;
        this.#settings = settings;
        this.#meter = meter;
    }

    /** What has come is stored, and the model given back to others, before the engine ends. */
    async settle() {
        await this.#client.call('settleStored', []).catch(() => {});
    }

    /** @param {boolean} reload not from the browser's cache */
    async fill(reload) {
        const client = this.#client;
        const place = this.#place;
        const { head, kernels, i2s, signal, onProgress } = this.#options;
        const stored = await beginStored(client, place, this.#options);
        const as = stored?.as ?? { head, i2s };
        const wish = { head: as.head, i2s: as.i2s, kernels, settings: this.#settings };
        const begin = () => client.call('beginLoad', [wish], { signal });
        await begin();
        this.isRepair = stored?.isWhole ?? false;
        const about = stored?.about ?? {};
        // where a hash decides, the browser's cache only costs time
        const isKnown = Boolean(stored?.as.sha256);
        const platform = this.#asking({
            reload: reload || isKnown,
            total: place.bytes,
        });
        /** @type {Promise<Files> | undefined} */
        let files;
        const find = () => (files ??= place.find(this.#platform.open, signal, about));
        const reported = { signal, about, report: this.#meter.report.bind(this.#meter) };
        const whole = stored && (await readStored(platform, client, find, reported, begin));
        if (!whole) await sendFiles(platform, client, await find(), reported);
        const storing = new Meter(onProgress, 'store');
        const onEvent = (/** @type {{stored: number}} */ event) => storing.advance(event.stored);
        const info = await client.call('finishLoad', [this.#settings], { signal, onEvent });
        // the engine has something to say of itself, too
        const note = [info.note, stored?.info.note].filter(Boolean).join('; ');
        return { ...info, ...stored?.info, ...(note ? { note } : {}) };
    }

    /**
     * The platform, with more to be wanted of an address.
     * @param {import('./source.js').Want} more
     * @returns {Platform}
     */
    #asking(more) {
        const { open, ...rest } = this.#platform;
        return {
            ...rest,
            open: (source, signal, want) => open(source, signal, { ...want, ...more }),
        };
    }
}

/**
 * Opens sources for one load: what comes is counted, and what is under way when the load ends is let go.
 * @template T
 * @param {Platform} platform
 * @param {Client} client
 * @param {LoadOptions} options
 * @param {(open: import('./source.js').Open, meter: Meter<'load'>) => Promise<T>} work
 */
export async function withNetwork(platform, client, { network, signal, onProgress }, work) {
    const meter = new Meter(onProgress, 'load');
    const ended = new AbortController();
    const end = () => ended.abort(signal?.reason);
    /** @type {import('./source.js').Open} */
    const open = async (source, _, want) => {
        const all = { network, onWait: () => meter.wait(), ...want };
        const opened = platform.isAddress(source)
            ? await openAddress(client, source, ended.signal, all)
            : await platform.open(source, ended.signal, all);
        return { ...opened, chunks: counted(opened.chunks, meter) };
    };
    signal?.addEventListener('abort', end);
    try {
        return await work(open, meter);
    } finally {
        signal?.removeEventListener('abort', end);
        end();
    }
}

/**
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {Meter<'load'>} meter
 */
async function* counted(chunks, meter) {
    for await (const chunk of chunks) {
        meter.add(chunk.length);
        yield chunk;
    }
}

/**
 * @param {Platform} platform
 * @param {Client} client
 * @param {Files} source
 * @param {Reported} options
 */
async function sendFiles({ open }, client, source, { signal, report, about }) {
    const index = await sendSides(client, source, open, signal);
    const files = tensorFiles(source, index);
    let before = 0;
    for (const { name, bytes } of files) {
        if (name !== undefined) await client.call('shard', [name], { signal });
        const { total, chunks, version } = await open(bytes, signal);
        if (version && files.length === 1)
            await client.call('announce', [undefined, { ...about, version }], { signal });
        const loaded = await sendChunks(client, chunks, signal, (now) =>
            report(before + now, files.length === 1 ? total : undefined),
        );
        before += loaded;
    }
}
