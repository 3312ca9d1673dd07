import { fork } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { load, synthetic } from './load.js';
import { isRemote, openNode, resolveNode } from './node-source.js';
import { nodeStorage } from './node-store.js';
import { probe } from './probing.js';
import { siteCalls } from './site-calls.js';

export { TritError } from './errors.js';

/** @typedef {import('./index.js').Model} Model */
/** @typedef {import('./index.js').LoadOptions} LoadOptions */
/** @typedef {import('./index.js').Source} Source */

/** Megabytes for a chat template, far more than any needs. */
const TEMPLATE_MB = 64;

/**
 * A process, as a thread that takes too much memory takes this process with it.
 * @returns {import('./client.js').Endpoint}
 */
function startTemplateWorker() {
    const { SystemRoot } = process.env; // without which Windows starts nothing
    const child = fork(fileURLToPath(new URL('./node-template-process.js', import.meta.url)), {
        env: SystemRoot ? { SystemRoot } : {},
        execArgv: [`--max-old-space-size=${TEMPLATE_MB}`],
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    return {
        post: (message) => void child.send(message),
        onMessage: (take) => void child.on('message', take),
        onFailure: (take) => {
            child.on('error', take);
            child.on('exit', () => take(new Error('it took its process down, or all its memory')));
        },
        terminate: () => void child.kill('SIGKILL'),
    };
}

/** @returns {import('./client.js').Endpoint} */
function startWorker() {
    const worker = new Worker(new URL('./node-worker.js', import.meta.url));
    return {
        post: (message, transfer) => worker.postMessage(message, transfer),
        onMessage: (take) => void worker.on('message', take),
        onFailure: (take) => {
            worker.on('error', take);
            worker.on('exit', () => take(new Error('the worker has ended')));
        },
        terminate: () => void worker.terminate(),
        // a model that only lies there does not keep a program from ending
        hold: (busy) => (busy ? worker.ref() : worker.unref()),
    };
}

const platform = {
    startWorker,
    startTemplateWorker,
    open: openNode,
    isAddress: isRemote,
    storage: nodeStorage,
    persist: async () => true,
    memoryBytes: totalmem(),
    cores: availableParallelism(),
};

/** The same interface as in browsers; sources may also be paths of files and folders. */
export const Trit = Object.freeze({
    /**
     * Loads a model into a worker of its own.
     * @param {Source} source
     * @param {LoadOptions} [options]
     * @returns {Promise<Model>}
     */
    load: async (source, options = {}) => load(platform, await resolveNode(source), options),

    /**
     * What loading a model would take and give, before it is downloaded: only the header is asked for.
     * @param {Source} source
     * @param {LoadOptions} [options] as for `load`
     * @returns {Promise<import('./probing.js').Probe>}
     */
    probe: async (source, options = {}) => probe(platform, await resolveNode(source), options),

    /**
     * A model of a known shape with random weights, for measurements.
     * @param {string} shape
     * @param {LoadOptions & import('./protocol.js').RandomWeights} [options]
     * @returns {Promise<Model>}
     */
    synthetic: (shape, options = {}) => synthetic(platform, shape, options),

    ...siteCalls(platform),
});
