// One run in the engine that ships, below the public interface: there every kernel table, slice and
// history can be asked for. Blocks its thread, and leaves its memory to the end of that thread.
import { Bindings } from '../../web/bindings.js';
import { startModule } from '../../web/flavours.js';
import { Sampler } from '../../web/sampler.js';
import { demand, Hash, N_CTX, N_KEPT, N_PROMPT, N_SAME, N_SAMPLE } from './work.js';
import { otherPrompt, SAMPLING } from './work.js';

/**
 * @param {Uint8Array} bytes the packed model
 * @param {number[][]} prompts
 * @param {import('./matrix.mjs').Run & {ballast?: number}} run ballast: bytes that lie below all others
 * @returns {Promise<string>} the hash, or 'none' when the build has no such kernel table
 */
export async function hashInEngine(bytes, prompts, run) {
    const c = new Bindings(await startModule(run));
    if (run.ballast) c.alloc(run.ballast);
    const model = load(c, bytes, run.table);
    if (model === 0) return 'none';
    const session = openSession(c, model, run);
    const { nVocab, stopIds } = JSON.parse(c.string('model_info', model));
    const rows = c.alloc(4 * N_PROMPT * nVocab);
    if (rows < (run.ballast ?? 0)) throw new Error('the engine found room below the ballast');
    const hash = new Hash();
    for (const prompt of prompts) {
        c.call('session_rewind', session, 0);
        c.plain('session_collect', session, rows, 0, N_PROMPT, nVocab);
        if (run.history === 'rewound') {
            compute(c, session, otherPrompt(prompt), 0);
            c.call('session_rewind', session, N_KEPT);
        }
        compute(c, session, prompt, run.history === 'rewound' ? N_SAME : 0);
        hash.push(c.words(rows, N_PROMPT * nVocab));
    }
    c.plain('session_collect', session, 0, 0, 0, 0);
    hash.push(sample(c, model, session, prompts.at(-1), stopIds));
    return String(hash);
}

/** @returns {number} 0 when the build has no such kernel table */
function load(c, bytes, table) {
    try {
        const loader = c.with(table, (name) =>
            c.make('loader_new', c.constants.head['as-is'], name),
        );
        c.with(bytes, (address, n) => c.call('loader_push', loader, address, n));
        return c.make('loader_finish', loader);
    } catch (error) {
        if (error.code === 'PARAM' && error.message.includes('no kernels')) return 0;
        throw error;
    }
}

function openSession(c, model, { kv, threads, slice }) {
    const pool = threads > 1 ? c.make('pool_new', threads) : 0;
    return c.make('session_new', model, N_CTX, slice, c.constants.kv[kv], pool, 0);
}

function compute(c, session, ids, nExpected) {
    const reused = c.with(Int32Array.from(ids), (address, n) =>
        c.make('session_sync', session, address, n),
    );
    demand('reused tokens', reused, nExpected);
    c.call('session_run', session, Infinity);
}

function sample(c, model, session, prompt, stopIds) {
    const { seed, ...sampling } = SAMPLING;
    const sampler = new Sampler(c, model, {
        ...{ minP: 0, repeatPenalty: 1, frequencyPenalty: 0, presencePenalty: 0, penaltyLast: 0 },
        ...sampling,
        seed: BigInt(seed),
        logitBias: stopIds.map((id) => [id, -Infinity]),
        grammar: null,
    });
    const history = c.alloc(4 * (N_PROMPT + N_SAMPLE));
    c.words(history, N_PROMPT).set(prompt);
    for (let n = N_PROMPT; n < N_PROMPT + N_SAMPLE; n++) {
        const id = sampler.draw(session, { address: history, length: n });
        c.words(history, n + 1)[n] = id;
        c.call('session_append', session, id);
        c.call('session_run', session, Infinity);
    }
    return c.words(history + 4 * N_PROMPT, N_SAMPLE);
}
