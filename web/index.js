import { diagnose, pageStorage } from './diagnostics.js';
import { askStore, load, synthetic } from './load.js';
import { openBytes } from './source.js';
import { watchLife } from './watch.js';
import { ownWorkerFile } from './worker-file.js';

export { TritError } from './errors.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./chat.js').Chat} Chat */
/** @typedef {import('./generation.js').Generation} Generation */
/** @typedef {import('./diagnostics.js').Diagnostics} Diagnostics */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./load.js').Progress} Progress */
/** @typedef {import('./source.js').Source} Source */
/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */
/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */
/** @typedef {import('./protocol.js').Message} Message */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').Score} Score */
/** @typedef {import('./protocol.js').StoredModel} StoredModel */

/**
 * @param {Worker} worker
 * @returns {import('./client.js').Endpoint}
 */
function endpointOf(worker) {
    return {
        post: (message, transfer) => worker.postMessage(message, transfer ?? []),
        onMessage: (take) => (worker.onmessage = ({ data }) => take(data)),
        onFailure: (take) =>
            (worker.onerror = (event) => {
                event.preventDefault?.();
                take(new Error(event.message ?? 'the worker could not be started'));
            }),
        terminate: () => worker.terminate(),
    };
}

// The addresses are written out, so that bundlers find the files.
const platform = {
    /** @param {LoadOptions} options */
    startWorker: (options) => {
        const own = ownWorkerFile('worker.js', options);
        return endpointOf(
            own
                ? new Worker(own, { type: 'module' })
                : new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
        );
    },
    /** @param {LoadOptions} options */
    startTemplateWorker: (options) => {
        const own = ownWorkerFile('template-worker.js', options);
        return endpointOf(
            own
                ? new Worker(own, { type: 'module' })
                : new Worker(new URL('./template-worker.js', import.meta.url), { type: 'module' }),
        );
    },
    open: openBytes,
    watch: watchLife,
    storage: pageStorage,
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
};

/** The entry of the package. */
export const Trit = Object.freeze({
    /**
     * Loads a model into a worker of its own.
     * @param {Source} source
     * @param {LoadOptions} [options]
     * @returns {Promise<Model>}
     */
    load: (source, options = {}) => load(platform, source, options),

    /**
     * A model of a known shape with random weights, for measurements.
     * @param {string} shape
     * @param {LoadOptions & import('./protocol.js').RandomWeights} [options]
     * @returns {Promise<Model>}
     */
    synthetic: (shape, options = {}) => synthetic(platform, shape, options),

    /**
     * The models that are stored for this site, and what is left of those that were not finished.
     * @param {import('./worker-file.js').WorkerOptions} [options]
     * @returns {Promise<StoredModel[]>}
     */
    models: (options = {}) => askStore(platform, 'models', [], options),

    /**
     * Deletes a stored model; IN_USE while it is being loaded or stored.
     * @param {string} id
     * @param {import('./worker-file.js').WorkerOptions} [options]
     * @returns {Promise<void>}
     */
    deleteModel: (id, options = {}) => askStore(platform, 'removeModel', [id], options),

    /**
     * What a report of an error needs to tell when there is no model: runtime, features, build and storage.
     * @returns {Promise<import('./diagnostics.js').Diagnostics>}
     */
    diagnostics: () => diagnose(platform),
});
