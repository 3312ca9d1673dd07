import { defaults } from './defaults.js';
import { TritError } from './errors.js';

/** Plain SIMD first. */
const TABLES = ['v128', 'relaxed', 'relaxed16'];
const SHAPE = 'tiny';
const CONTEXT = 32;
const PREFILL = 9;

/**
 * Compares the relaxed kernels of a build with the plain SIMD ones on a model of random weights:
 * every logit must be the same number. One engine in the field computes a relaxed instruction
 * wrongly in one of its compilers only; the first steps run cold, and by the last ones the hot
 * loops have been compiled again.
 * @param {import('./bindings.js').Bindings} c
 */
export function selfTest(c) {
    /** @type {{model: number, session: number}[]} */
    const runs = [];
    try {
        for (const table of TABLES) runs.push(c.with(table, (name) => openRun(c, name)));
        const { nVocab } = JSON.parse(c.string('model_info', runs[0].model));
        for (let n = PREFILL; n < CONTEXT; n++) {
            const [plain, ...others] = runs.map(({ session }) => {
                if (n > PREFILL) c.call('session_append', session, (n * 7919) % nVocab);
                c.call('session_run', session, Infinity);
                const logits = c.plain('session_logits', session) >>> 0;
                return c.words(logits, nVocab);
            });
            if (others.some((logits) => logits.some((word, i) => word !== plain[i])))
                throw new TritError('RUNTIME_LOAD', 'this engine computes relaxed SIMD wrongly');
        }
    } finally {
        for (const { model, session } of runs) {
            c.plain('session_free', session);
            c.plain('model_free', model);
        }
    }
}

/**
 * @param {import('./bindings.js').Bindings} c
 * @param {number} kernels
 */
function openRun(c, kernels) {
    const { zeros } = defaults;
    const model = c.with(SHAPE, (name) => c.make('model_synthetic', name, 0, zeros, 0, kernels));
    const session = c.make('session_new', model, CONTEXT, 8, c.constants.kv.f32, 0, 0);
    const ids = Int32Array.from({ length: PREFILL }, (_, i) => 100 * i);
    c.with(ids, (address, n) => c.make('session_sync', session, address, n));
    return { model, session };
}
