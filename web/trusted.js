// A page that asks for trusted types (require-trusted-types-for 'script') asks its workers for them, too, and Emscripten's
// threads are workers of a worker, started from a string. In a worker of ours all code is ours, so that the policy for
// strings may be: it lets through the files beside this one, and the worker's own, which remote-worker.js starts again.
const scope = /** @type {any} */ (globalThis);
const folder = new URL('.', import.meta.url).href;
const own = scope.location.href.replace(/#.*/, '');

/** @param {string} url */
function ourFile(url) {
    const { href } = new URL(url, own);
    return href.startsWith(folder) || href.replace(/#.*/, '') === own ? href : null;
}

try {
    scope.trustedTypes?.createPolicy('default', { createScriptURL: ourFile });
} catch {
    // The page's policy does not name it. Where it asks for trusted types all the same, there are no threads.
}
