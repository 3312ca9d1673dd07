import { defaults } from './defaults.js';
import { TritError } from './errors.js';

/** @typedef {'simd128' | 'relaxed'} Flavour */

/**
 * A module of one function `() -> v128 dropped` around the given instructions.
 * @param {number[]} body
 */
const moduleOf = (body) =>
    Uint8Array.from([
        ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
        ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type section: () -> ()
        ...[0x03, 0x02, 0x01, 0x00], // function section: one of type 0
        ...[0x0a, body.length + 5, 0x01, body.length + 3, 0x00, ...body, 0x1a, 0x0b], // drop, end
    ]);

const zeroVector = [0x41, 0x00, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const simdProbe = moduleOf(zeroVector);
// i16x8.relaxed_dot_i8x16_i7x16_s
const relaxedProbe = moduleOf([...zeroVector, ...zeroVector, 0xfd, 0x92, 0x02]);

/** The major version of Node, or 0 elsewhere. */
function nodeMajor() {
    return Number(/** @type {any} */ (globalThis).process?.versions?.node?.split('.')[0] ?? 0);
}

/**
 * What this engine can do.
 * @returns {{simd: boolean, relaxed: boolean, threads: boolean}}
 */
export function probe() {
    const node = nodeMajor();
    if (typeof WebAssembly !== 'object') return { simd: false, relaxed: false, threads: false };
    return {
        simd: WebAssembly.validate(simdProbe),
        // Before version 22, Node computes the relaxed dot product wrongly in its baseline compiler
        // (it is behind a flag there, and the flag makes the probe pass).
        relaxed: WebAssembly.validate(relaxedProbe) && (node === 0 || node >= 22),
        threads:
            typeof SharedArrayBuffer === 'function' &&
            (node > 0 || globalThis.crossOriginIsolated === true),
    };
}

/**
 * @typedef {object} Choice
 * @property {Flavour} flavour
 * @property {number} threads
 * @property {string} [note] why it is slower than it could be
 */

/**
 * Which build to load. Throws PARAM for a wish that makes no sense and UNSUPPORTED for one that
 * cannot be met here.
 * @param {{threads?: number, flavour?: Flavour}} wish
 * @param {number} cores
 * @param {ReturnType<typeof probe>} [can]
 * @returns {Choice}
 */
export function chooseBuild(wish, cores, can = probe()) {
    if (!can.simd) throw new TritError('UNSUPPORTED', 'this engine has no WebAssembly SIMD');
    return {
        flavour: chooseFlavour(wish.flavour, can),
        ...chooseThreads(wish.threads, cores, can),
    };
}

/**
 * @param {Flavour | undefined} wish
 * @param {ReturnType<typeof probe>} can
 */
function chooseFlavour(wish, can) {
    if (wish === undefined) return can.relaxed ? 'relaxed' : 'simd128';
    if (wish !== 'simd128' && wish !== 'relaxed')
        throw new TritError('PARAM', 'flavour is neither simd128 nor relaxed');
    if (wish === 'relaxed' && !can.relaxed)
        throw new TritError('UNSUPPORTED', 'this engine has no correct relaxed SIMD: use simd128');
    return wish;
}

/**
 * @param {number | undefined} wish
 * @param {number} cores
 * @param {ReturnType<typeof probe>} can
 */
function chooseThreads(wish, cores, can) {
    if (wish !== undefined && !(Number.isInteger(wish) && wish >= 1 && wish <= defaults.maxThreads))
        throw new TritError(
            'PARAM',
            `threads is not a whole number in 1 ... ${defaults.maxThreads}`,
        );
    if (!can.threads) {
        const note =
            'threads need SharedArrayBuffer: a page from https or localhost that is cross-origin isolated ' +
            '(COOP and COEP headers), in an engine that gives it to such pages';
        if (wish !== undefined && wish > 1) throw new TritError('UNSUPPORTED', note);
        return { threads: 1, note };
    }
    return { threads: wish ?? Math.min(cores, defaults.threads) };
}
