'use strict';
// require('trit'): the ES module, which is loaded by the first call, as every call waits anyway.
/** @type {() => Promise<typeof import('./node.js')>} */
const load = () => import('./node.js');

const calls = [
    ...['load', 'probe', 'synthetic', 'catalog', 'diagnostics'],
    ...['models', 'deleteModel', 'storage', 'persist', 'makeRoom', 'resetStorage'],
];

exports.Trit = Object.freeze(
    Object.fromEntries(
        calls.map((name) => [name, async (...args) => (await load()).Trit[name](...args)]),
    ),
);

/** Before a call there is no class yet: an error is known by its name. */
exports.TritError = class TritError extends Error {
    static [Symbol.hasInstance](error) {
        return error instanceof Error && error.name === 'TritError';
    }
};
