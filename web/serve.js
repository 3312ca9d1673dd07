import { Downloads } from './downloads.js';
import { Engine } from './engine.js';
import { TritError } from './errors.js';
import { holdLife } from './watch.js';

/** @typedef {import('./engine.js').Job} Job */
/** @typedef {(event: any, transfer?: any[]) => void} Emit */

/** @type {Engine} */
let engine;
/** @type {(() => any) | undefined} */
let openStore;
const downloads = new Downloads();

/** @type {Record<import('./protocol.js').Op, (args: any, job: Job, emit: Emit) => any>} */
const ops = {
    start: async ([choice, life]) => {
        const watched = life !== undefined && (await holdLife(life));
        engine = await Engine.start(choice, openStore);
        return { watched };
    },
    beginLoad: ([options]) => engine.beginLoad(options),
    side: ([name, text]) => engine.side(name, text),
    shard: ([name]) => engine.shard(name),
    push: ([bytes], job) => engine.push(bytes, job),
    finishLoad: ([settings], job, emit) => engine.finishLoad(settings, job, emit),
    openDownload: ([url, want], job, emit) => downloads.open(url, want, job, emit),
    nextOfDownload: ([id], job, emit) => downloads.next(id, job, emit),
    endDownload: ([id]) => downloads.end(id),
    openStored: ([what], job) => engine.openStored(what, job),
    readStored: (_, job, emit) => engine.readStored(job, emit),
    resumeStored: (_, job) => engine.resumeStored(job),
    announce: ([total, about]) => engine.announce(total, about),
    flushStored: (_, job) => engine.flushStored(job),
    settleStored: (_, job) => engine.settleStored(job),
    models: (_, job) => engine.models(job),
    removeModel: ([id], job) => engine.removeModel(id, job),
    resetStore: (_, job) => engine.resetStore(job),
    synthetic: ([shape, weights, settings, kernels]) =>
        engine.synthetic(shape, weights, settings, kernels),
    tokenize: ([text, options]) => engine.tokenize(text, options),
    detokenize: ([ids]) => engine.detokenize(ids),
    tokenBytes: ([ids]) => engine.tokenBytes(ids),
    template: () => engine.template(),
    countTokens: ([prompt]) => engine.countTokens(prompt),
    generate: ([prompt, params, context], job, emit) =>
        engine.generate(prompt, params, context, job, emit),
    saveSession: ([prompt, context], job, emit) =>
        engine.saveSession(prompt, context, job, (bytes) => emit(bytes, [bytes.buffer])),
    loadSession: ([bytes]) => engine.loadSession(bytes),
    dropContext: ([context]) => engine.dropContext(context),
    logits: ([ids, all], job, emit) =>
        engine.logits(ids, all, job, (rows) => emit(rows, [rows.buffer])),
    score: ([text], job, emit) =>
        engine.score(text, job, (loaded, total) => emit({ loaded, total })),
    planned: ([settings]) => engine.planned(settings),
    sample: ([nLayer, nVocab, settings]) => engine.sample(nLayer, nVocab, settings),
    diagnose: () => engine.diagnose(),
    measure: ([nPrefill, nDecode], job) => engine.measure(nPrefill, nDecode, job),
};

/** What does not wait for the work that is under way. */
const AT_ONCE = ['diagnose', 'openDownload', 'nextOfDownload', 'endDownload'];

/**
 * What of a cause a page may be told.
 * @param {any} cause
 */
const told = (cause) => (cause?.status ? { status: cause.status } : undefined);

/**
 * Answers requests, one after the other.
 * @param {(message: any, transfer?: any[]) => void} post
 * @param {() => any} [store] opens another body of the store than IndexedDB
 * @returns {(message: any) => void} takes each message that comes in
 */
export function serve(post, store) {
    openStore = store;
    /** @type {Map<number, Job>} */
    const jobs = new Map();
    let last = Promise.resolve();
    let crashed = false;

    /** @param {import('./protocol.js').Request} request */
    const answer = async ({ id, op, args }) => {
        const job = /** @type {Job} */ (jobs.get(id));
        if (crashed) return; // nothing is called in an engine that trapped
        try {
            if (!Object.hasOwn(ops, op) || !Array.isArray(args))
                throw new TritError('PARAM', 'the worker does not know such a request');
            const ok = await ops[op](args, job, (event, transfer) => post({ id, event }, transfer));
            post({ id, ok });
        } catch (error) {
            // what is no TritError is a trap of the engine: it cannot be used any more
            const { code, message, needed, cause } = TritError.from(error, 'ENGINE_CRASHED');
            if (code === 'ENGINE_CRASHED') crashed = true;
            post({ id, error: { code, message, needed, cause: told(cause) } });
        } finally {
            jobs.delete(id);
        }
    };

    return (message) => {
        if (typeof message !== 'object' || message === null) return;
        if ('abort' in message) {
            const job = jobs.get(message.abort);
            if (job) job.aborted = true;
            job?.stop?.();
            return;
        }
        if (message.id === undefined || jobs.has(message.id)) return;
        jobs.set(message.id, { aborted: false });
        if (AT_ONCE.includes(message.op)) answer(message);
        else last = last.then(() => answer(message));
    };
}
