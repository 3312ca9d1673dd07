import { Answer, History } from './answer.js';
import { TritError } from './errors.js';
import { Logprobs } from './logprobs.js';
import { Sampler } from './sampler.js';
import { throwIfStopped } from './session.js';

/** @typedef {import('./bindings.js').Bindings} Bindings */
/** @typedef {import('./engine.js').OpenModel} OpenModel */
/** @typedef {import('./params.js').GenerateParams} GenerateParams */
/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */
/** @typedef {import('./session.js').Job} Job */

/**
 * Computes a prompt and draws token after token.
 * @param {Bindings} c
 * @param {OpenModel} open
 * @param {import('./protocol.js').Prompt} prompt
 * @param {GenerateParams} params
 * @param {Job} job
 * @param {(text: string) => void} emit
 * @returns {Promise<GenerateResult>}
 */
export async function decode(c, open, prompt, params, job, emit) {
    const { session, text, settings } = open;
    const promptIds = text.promptIds(prompt);
    if (promptIds.length === 0) throw new TritError('PARAM', 'the prompt is empty');
    const { stop, logprobs: nTop } = params;
    const logprobs = nTop === null ? undefined : new Logprobs(c, session, nTop);
    const out = new Answer(stop, emit, logprobs);
    /** @type {GenerateResult['finish']} */
    let finish = 'abort';
    const sampler = new Sampler(c, open.model, params);
    const history = new History(c, promptIds, settings.contextLength);
    const clock = { begin: performance.now(), prompt: 0, end: 0 };
    let cachedTokens = 0;
    try {
        cachedTokens = session.sync(promptIds);
        const limit = Math.min(
            params.maxTokens ?? Infinity,
            // the last token of a full context has logits, so one more can be drawn
            settings.contextLength - promptIds.length + 1,
        );
        throwIfStopped(job);
        if (limit > 0) await session.run(job);
        clock.prompt = performance.now();
        const draw = () => {
            logprobs?.look();
            return sampler.draw(session.open(), history);
        };
        const isWhole = () => sampler.ended;
        finish = await answer(open, draw, isWhole, history, limit, job, out);
    } catch (error) {
        if (!(error instanceof TritError && error.code === 'ABORTED')) throw error;
    } finally {
        sampler.free();
        history.free();
        logprobs?.free();
    }
    clock.end = performance.now();
    clock.prompt ||= clock.end;
    out.finish();
    return {
        promptIds,
        ids: out.ids,
        text: out.text,
        finish,
        usage: {
            promptTokens: promptIds.length,
            cachedTokens,
            completionTokens: out.ids.length,
        },
        timings: { promptMs: clock.prompt - clock.begin, decodeMs: clock.end - clock.prompt },
        ...(logprobs ? { logprobs: logprobs.list } : {}),
    };
}

/**
 * @param {OpenModel} open
 * @param {() => number} draw the next token
 * @param {() => boolean} isWhole whether a grammar lets nothing follow
 * @param {History} history
 * @param {number} limit
 * @param {Job} job
 * @param {Answer} out
 * @returns {Promise<'stop' | 'length'>}
 */
async function answer({ session, text, config }, draw, isWhole, history, limit, job, out) {
    while (out.ids.length < limit) {
        if (isWhole()) return 'stop';
        const id = draw();
        if (config.stopIds.includes(id)) return 'stop';
        out.push(id, text.textBytes(id));
        if (out.stopped || isWhole()) return 'stop';
        if (out.ids.length === limit) break;
        history.push(id);
        session.append(id);
        await session.run(job);
    }
    return 'length';
}
