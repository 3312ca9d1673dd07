/**
 * A body of the store (wasm/library_trit_indexed.js) that keeps nothing, where the browser lets a page store
 * nothing: models load as ever and are held against their hashes, once.
 */
export const forgetfulStore = () => ({
    get: async () => undefined,
    put: async () => {},
    list: async () => [],
    remove: async () => {},
    reset: async () => {},
    locks: {
        /**
         * @param {string} _name
         * @param {object} _how
         * @param {(lock: object) => any} use
         */
        request: async (_name, _how, use) => use({}),
    },
});
