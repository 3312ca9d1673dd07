import { readCatalog } from './catalog.js';
import { diagnose } from './diagnostics.js';
import { withStore } from './load.js';
import { describeStorage, makeRoom } from './room.js';

/** @typedef {import('./catalog.js').CatalogModel} CatalogModel */
/** @typedef {import('./protocol.js').StoredModel} StoredModel */
/** @typedef {import('./room.js').StorageInfo} StorageInfo */
/** @typedef {import('./worker-file.js').WorkerOptions} WorkerOptions */

/**
 * The calls of `Trit` that need no model, in browsers and in Node.
 * @param {import('./load.js').Platform} platform
 */
export const siteCalls = (platform) => ({
    /**
     * The models that `catalog:` and an id load.
     * @returns {Promise<CatalogModel[]>}
     */
    catalog: () => readCatalog(),

    /**
     * The models that are stored for this site, in Node for this user, and what is left of those that were not finished.
     * @param {WorkerOptions} [options]
     * @returns {Promise<StoredModel[]>}
     */
    models: (options = {}) => withStore(platform, options, (ask) => ask('models', [])),

    /**
     * Deletes a stored model; IN_USE while it is being loaded or stored.
     * @param {string} id
     * @param {WorkerOptions} [options]
     * @returns {Promise<void>}
     */
    deleteModel: (id, options = {}) =>
        withStore(platform, options, (ask) => ask('removeModel', [id])),

    /**
     * What is stored, and what room there is.
     * @param {WorkerOptions} [options]
     * @returns {Promise<StorageInfo>}
     */
    storage: (options = {}) =>
        withStore(platform, options, (ask) => describeStorage(ask, platform.storage)),

    /**
     * Asks the browser to keep what is stored until the user deletes it. Some ask the user, and wait for the answer. In
     * Node, files stay anyway.
     * @returns {Promise<boolean>} whether it is so
     */
    persist: () => platform.persist(),

    /**
     * Deletes complete models that nobody is loading, the one that was not used for the longest time first, until
     * so many bytes are free. Nothing else ever deletes one unasked.
     * @param {number} bytes
     * @param {WorkerOptions} [options]
     * @returns {Promise<StoredModel[]>} those that are deleted
     */
    makeRoom: (bytes, options = {}) => withStore(platform, options, (ask) => makeRoom(ask, bytes)),

    /**
     * Begins a new store, also where the old one cannot be opened. Every stored model is lost.
     * @param {WorkerOptions} [options]
     * @returns {Promise<void>}
     */
    resetStorage: (options = {}) => withStore(platform, options, (ask) => ask('resetStore', [])),

    /**
     * What a report of an error needs to tell when there is no model: runtime, features, build and storage.
     * @returns {Promise<import('./diagnostics.js').Diagnostics>}
     */
    diagnostics: () => diagnose(platform),
});
