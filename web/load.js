import { Client } from './client.js';
import { TritError, throwIfAborted, untilAborted } from './errors.js';
import { chooseBuild } from './features.js';
import { Model } from './model.js';
import { checkInteger, checkOptions } from './params.js';
import { sendChunks } from './sending.js';
import { readSides, resolveFiles, tensorFiles } from './source.js';
import { beginStored, readStored } from './stored.js';
import { checkWorkerOptions } from './worker-file.js';

/**
 * @typedef {{phase: 'load' | 'store', loaded: number, total: number | undefined}} Progress bytes so far and,
 *   when it is known, of all. What is packed while it is loaded is stored afterwards
 *
 * @typedef {LoadSettings & import('./worker-file.js').WorkerOptions} LoadOptions
 *
 * @typedef {object} LoadSettings
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]
 * @property {number} [threads] without it, as many as help
 * @property {import('./features.js').Flavour} [flavour] without it, the fastest that is correct here
 * @property {number} [contextLength] tokens of prompt and answer; without it, the model's own
 * @property {'f32' | 'f16' | 'int8'} [kv] how the context is kept
 * @property {string} [kernels] instead of those measured as fastest: 'v128', 'relaxed' or
 *   'relaxed16', and after it, if wanted, ' head=' and another. Never changes a token
 * @property {boolean} [dense] compute what is multiplied by zero as well; never changes a token
 * @property {string} [template] another chat template than the model's: bitnet-2b4t, llama3, falcon3 or
 *   Jinja
 * @property {boolean | {recordBytes: number}} [store] false: a model from an address is not kept for the next
 *   time; recordBytes: into how large pieces it is cut, 64 KiB to 16 MiB
 * @property {string} [sha256] of a file from an address: 64 hexadecimal digits that it must have
 * @property {'int8' | 'f16'} [head] for models of safetensors and GGUF: how the embedding is kept
 * @property {'x86' | 'arm' | 'rows'} [i2s] for GGUF files with I2_S: who wrote them, a program on x86
 *   (without it, as all published files), on ARM since the end of 2025, or one that lets four rows share a
 *   byte. When the model reads like noise, `info.warning` says so
 *
 * @typedef {object} Platform what differs between browser and Node
 * @property {(options: LoadOptions) => import('./client.js').Endpoint} startWorker
 * @property {(options: LoadOptions) => import('./client.js').Endpoint} startTemplateWorker
 * @property {import('./source.js').Open} open
 * @property {number} cores
 */

/**
 * @param {Platform} platform
 * @param {import('./source.js').Source} source
 * @param {LoadOptions} options
 * @returns {Promise<Model>}
 */
export async function load(platform, source, options) {
    return start(platform, options, async (client, settings) => {
        const { head, kernels, i2s, signal, onProgress } = options;
        const files = resolveFiles(source);
        const begin = () => client.call('beginLoad', [{ head, kernels, i2s }], { signal });
        await begin();
        const stored = await beginStored(client, files, options);
        const whole =
            stored?.resumes && (await readStored(platform, client, files, options, begin));
        if (!whole) await sendFiles(platform, client, files, options);
        const onEvent = (/** @type {{stored: number}} */ event) =>
            onProgress?.({ phase: 'store', loaded: event.stored, total: undefined });
        const info = await client.call('finishLoad', [settings], { signal, onEvent });
        return { ...info, ...stored?.info };
    });
}

/**
 * A model of a known shape with random weights, for measurements.
 * @param {Platform} platform
 * @param {string} shape
 * @param {LoadOptions & import('./protocol.js').RandomWeights} options
 * @returns {Promise<Model>}
 */
export async function synthetic(platform, shape, options) {
    if (typeof shape !== 'string') throw new TritError('PARAM', 'the shape is not a string');
    const { zeros, gateZeros, kernels, signal } = checkOptions(options);
    for (const [name, share] of Object.entries({ zeros, gateZeros }))
        if (share !== undefined && typeof share !== 'number')
            throw new TritError('PARAM', `${name} is not a number`);
    return start(platform, options, (client, settings) =>
        client.call('synthetic', [shape, { zeros, gateZeros }, settings, kernels], { signal }),
    );
}

/**
 * Asks an engine that needs no model, about the store.
 * @param {Platform} platform
 * @param {import('./protocol.js').Op} op
 * @param {any[]} args
 * @param {import('./worker-file.js').WorkerOptions} options
 */
export async function askStore(platform, op, args, options) {
    checkWorkerOptions(checkOptions(options));
    const client = new Client(startWorker(platform, options));
    try {
        await client.call('start', [chooseBuild({ threads: 1, flavour: 'simd128' }, 1)]);
        return await client.call(op, args);
    } finally {
        client.close();
    }
}

/**
 * @param {Platform} platform
 * @param {LoadOptions} options
 * @param {(client: Client, settings: import('./protocol.js').Settings) => Promise<any>} fill
 */
async function start(platform, options, fill) {
    const { contextLength, kv, kernels, dense, template, signal } = checkOptions(options);
    throwIfAborted(signal);
    const choice = chooseBuild(options, platform.cores);
    if (contextLength !== undefined) checkInteger('contextLength', contextLength, 1);
    if (kernels !== undefined && typeof kernels !== 'string')
        throw new TritError('PARAM', 'kernels is not a string');
    if (template !== undefined && typeof template !== 'string')
        throw new TritError('PARAM', 'template is not a string');
    checkWorkerOptions(options);
    const client = await startEngine(platform, choice, options);
    try {
        // a source may keep silent for ever
        const filled = untilAborted(
            fill(client, { contextLength, kv, dense: Boolean(dense), template }),
            signal,
        );
        return new Model(client, await filled, () => platform.startTemplateWorker(options));
    } catch (error) {
        client.close();
        throw error;
    }
}

/**
 * A worker with the engine in it. The relaxed build may be missing or fail its own test; unless it
 * was asked for, the plain one takes its place.
 * @param {Platform} platform
 * @param {import('./features.js').Choice} choice
 * @param {LoadOptions} options
 * @returns {Promise<Client>}
 */
async function startEngine(platform, choice, options) {
    const client = new Client(startWorker(platform, options));
    try {
        await client.call('start', [choice], { signal: options.signal });
        return client;
    } catch (error) {
        client.close();
        const failed = error instanceof TritError && error.code === 'RUNTIME_LOAD';
        if (!failed || choice.flavour === 'simd128' || options.flavour) throw notStarted(error);
        const reason = `the relaxed build does not work here: ${error.message}`;
        const note = choice.note ? `${choice.note}; ${reason}` : reason;
        return startEngine(platform, { ...choice, flavour: 'simd128', note }, options);
    }
}

/**
 * @param {Platform} platform
 * @param {LoadOptions} options
 */
function startWorker(platform, options) {
    try {
        return platform.startWorker(options);
    } catch (error) {
        throw notStarted(TritError.from(error, 'ENGINE_CRASHED'));
    }
}

/**
 * A worker that dies before it has answered was never there.
 * @param {unknown} error
 */
function notStarted(error) {
    if (!(error instanceof TritError) || error.code !== 'ENGINE_CRASHED') return error;
    return new TritError(
        'RUNTIME_LOAD',
        `the engine's worker does not start (${error.message}): serve web/worker.js with the page, and let ` +
            "the page's policy allow it (worker-src)",
        { cause: error },
    );
}

/**
 * @param {Platform} platform
 * @param {Client} client
 * @param {ReturnType<typeof resolveFiles>} source
 * @param {LoadOptions} options
 */
async function sendFiles({ open }, client, source, { signal, onProgress }) {
    let index;
    for await (const [name, text] of readSides(source, open, signal)) {
        await client.call('side', [name, text], { signal });
        if (name === 'index') index = text;
    }
    const files = tensorFiles(source, index);
    let before = 0;
    for (const { name, bytes } of files) {
        if (name !== undefined) await client.call('shard', [name], { signal });
        const { total, chunks } = await open(bytes, signal);
        const loaded = await sendChunks(client, chunks, signal, (now) => {
            onProgress?.({
                phase: 'load',
                loaded: before + now,
                total: files.length === 1 ? total : undefined,
            });
        });
        before += loaded;
    }
}
