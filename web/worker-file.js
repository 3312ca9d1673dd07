import { TritError } from './errors.js';

/**
 * Where workers come from when a page has another origin than these files.
 * @typedef {object} WorkerOptions
 * @property {string | URL} [workerUrl] a file on the page's own origin with one line:
 *   `import 'https://…/web/remote-worker.js';`
 * @property {boolean} [allowBlobWorker] makes that file up as a blob, which the page's policy may forbid
 */

/** Not the address of a file in the words that bundlers look for: they would put its content in its place. */
const remote = import.meta.url.replace(/[^/]*$/, 'remote-worker.js');

/** One for all workers of a page: a few bytes that stay. @type {string | undefined} */
let blob;

function blobUrl() {
    const line = `import ${JSON.stringify(remote)};`;
    return (blob ??= URL.createObjectURL(new Blob([line], { type: 'text/javascript' })));
}

/** @param {WorkerOptions} options */
export function checkWorkerOptions({ workerUrl }) {
    if (workerUrl !== undefined && typeof workerUrl !== 'string' && !(workerUrl instanceof URL))
        throw new TritError('PARAM', 'workerUrl is neither a string nor a URL');
}

/**
 * The address of the file to start instead of this one of ours; undefined when the page may start ours.
 * @param {string} file its name in this folder
 * @param {WorkerOptions} options
 * @returns {URL | undefined}
 */
export function ownWorkerFile(file, { workerUrl, allowBlobWorker }) {
    const { origin, href } = globalThis.location;
    if (workerUrl === undefined && new URL(remote).origin === origin) return undefined;
    const own = new URL(workerUrl ?? (allowBlobWorker ? blobUrl() : remote), href);
    if (own.origin !== origin)
        throw new TritError(
            'WORKER_ORIGIN',
            `${own.href} is of another origin, from which browsers start no worker: put a file with the ` +
                `one line import '${remote}'; on ${origin} and give its address as workerUrl (of a tag ` +
                'worker-url), or set allowBlobWorker (of a tag allow-blob-worker)',
        );
    own.hash = file;
    return own;
}
