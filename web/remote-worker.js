// For pages of another origin than these files, as browsers start no worker from elsewhere: a file of the page's own
// with one line, an import of this one. That file is then every worker: the engine's, and, named behind its #,
// the threads' and the one for chat templates.
import './trusted.js';

const scope = /** @type {any} */ (globalThis);
const own = scope.location.href.replace(/#.*/, '');
const folder = new URL('.', import.meta.url).href;
const name = decodeURIComponent(scope.location.hash.slice(1)) || 'worker.js';
const wanted = new URL(name, folder).href;

// What is behind the # may only be one of these files.
if (!wanted.startsWith(folder)) throw new Error(`${wanted} is no file of trit`);

const NativeWorker = scope.Worker;
scope.Worker = class extends NativeWorker {
    /**
     * @param {string | URL} url
     * @param {any} options
     */
    constructor(url, options) {
        super(`${own}#${encodeURIComponent(String(url))}`, options);
    }
};

// Messages are there before the file that takes them.
/** @type {MessageEvent[]} */
const early = [];
scope.onmessage = (/** @type {MessageEvent} */ event) => early.push(event);
import(/* @vite-ignore */ wanted).then(
    () => early.forEach((event) => scope.onmessage(event)),
    (error) => scope.reportError(error),
);
