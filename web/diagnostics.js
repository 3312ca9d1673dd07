import { TritError } from './errors.js';
import { chooseBuild, probe } from './features.js';

/** @typedef {import('./load.js').Platform} Platform */

/**
 * What a report of an error needs to tell, as plain JSON: no text of a user, no address and no name of a file.
 * @typedef {object} Diagnostics
 * @property {string} runtime the browser as it names itself, or Node's version
 * @property {{cores: number, threads: boolean, crossOriginIsolated: boolean, sharedArrayBuffer: boolean, simd: boolean,
 *   relaxedSimd: boolean, secureContext: boolean, locks: boolean, broadcastChannel: boolean, webCrypto: boolean,
 *   deviceMemory: number | null}} features deviceMemory in GiB, rounded, where the browser tells
 * @property {{flavour: string, threads: number, note: string | null} | {error: string}} build what is used here when
 *   nothing else is asked for; note: why it is not more
 * @property {Storage} storage
 *
 * @typedef {object} Storage what the browser says, which promises nothing
 * @property {'IndexedDB' | 'files' | 'none'} kind
 * @property {boolean | null} persisted
 * @property {number | null} usage bytes of all that this site keeps
 * @property {number | null} quota
 */

/**
 * @param {Platform} platform
 * @returns {Promise<Diagnostics>}
 */
export async function diagnose(platform) {
    const scope = /** @type {any} */ (globalThis);
    const { simd, relaxed, threads } = probe();
    const { process, navigator } = scope;
    return {
        runtime: process?.versions?.node ? `Node ${process.versions.node}` : navigator?.userAgent,
        features: {
            cores: platform.cores,
            threads,
            crossOriginIsolated: scope.crossOriginIsolated === true,
            sharedArrayBuffer: typeof SharedArrayBuffer === 'function',
            simd,
            relaxedSimd: relaxed,
            secureContext: scope.isSecureContext === true,
            locks: Boolean(navigator?.locks),
            broadcastChannel: typeof BroadcastChannel === 'function',
            webCrypto: Boolean(scope.crypto?.subtle),
            deviceMemory: navigator?.deviceMemory ?? null,
        },
        build: build(platform),
        storage: await platform.storage(),
    };
}

/** @param {Platform} platform */
function build({ cores }) {
    try {
        return { note: null, ...chooseBuild({}, cores) };
    } catch (error) {
        return { error: TritError.from(error, 'UNSUPPORTED').message };
    }
}

/**
 * The engine as it is now, and of `info` what says nothing of its user.
 * @typedef {object} ModelDiagnostics
 * @property {string} state 'ready', 'busy' when it has no time to answer, 'ENGINE_CRASHED', or 'DISPOSED' after close
 * @property {string} [fastestKernels] as measured when it started; `kernels` are those in use
 * @property {Record<string, number>} [storeCalls] how often C has called each function of the store
 * @property {string} [role] of this tab, when tabs share the engine
 * @property {number} restarts
 * @property {string | null} lastCrash
 * @property {Record<string, string | number | boolean>} info
 */

const TOLD = /** @type {const} */ ([
    ...['flavour', 'threads', 'kernels', 'stored', 'modelBytes', 'sessionBytes', 'memoryBytes'],
    ...['contextLength', 'kv', 'dense', 'weights', 'head', 'template', 'warning'],
    ...['nLayer', 'dim', 'ffnDim', 'nHead', 'nHeadKv', 'headDim', 'nVocab', 'nCtx', 'ffn'],
]);

/** Milliseconds that a busy engine may take to say how it is. */
const ANSWER_MS = 1000;

/**
 * @param {import('./restarting.js').Restarting | import('./sharing.js').Sharing} engine
 * @returns {Promise<ModelDiagnostics>}
 */
export async function diagnoseModel(engine) {
    const { restarts, lastCrash } = engine;
    const now = await within(
        engine.call('diagnose', [], { beside: true }).catch(({ code }) => ({ state: code })),
        ANSWER_MS,
    );
    const { memoryBytes = engine.info.memoryBytes, ...state } = now;
    /** @type {Record<string, any>} */
    const all = { ...engine.info, memoryBytes };
    const info = Object.fromEntries(
        TOLD.filter((name) => name in all).map((name) => [name, all[name]]),
    );
    // why something is not stored may name a folder
    if (all.note) info.note = all.note.replace(/not stored: .*/s, 'not stored');
    const shared = 'role' in engine ? { role: engine.role } : {};
    return { state: 'ready', ...shared, ...state, restarts, lastCrash, info };
}

/**
 * @param {Promise<any>} answer
 * @param {number} ms
 * @returns {Promise<any>}
 */
async function within(answer, ms) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const late = new Promise((resolve) => {
        timer = setTimeout(resolve, ms, { state: 'busy' });
    });
    try {
        return await Promise.race([answer, late]);
    } finally {
        clearTimeout(timer);
    }
}

/** @returns {Promise<Storage>} of a page */
export async function pageStorage() {
    const { storage } = globalThis.navigator;
    const ask = async (/** @type {'estimate' | 'persisted'} */ name) => {
        try {
            return await storage[name]();
        } catch {
            return undefined; // not in every browser, and not without https
        }
    };
    const { usage = null, quota = null } = /** @type {any} */ (await ask('estimate')) ?? {};
    const persisted = /** @type {any} */ (await ask('persisted')) ?? null;
    return { kind: globalThis.indexedDB ? 'IndexedDB' : 'none', persisted, usage, quota };
}
