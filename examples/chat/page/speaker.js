import { Trit } from './trit/index.js';

/** @typedef {import('./conversation.js').Story} Story */

const BUNDLED = new URL('tiny-stories.trit', import.meta.url).href;
const MAX_TOKENS = 250;

/** The model, and what it says. */
export class Speaker {
    #tell;
    /** @type {import('./trit/index.js').Model | undefined} */
    #model;
    /** @type {AbortController | undefined} of what it is saying */
    #saying;

    /** @param {(line: string) => void} tell how loading goes */
    constructor(tell) {
        this.#tell = tell;
    }

    async load() {
        const onProgress = (/** @type {import('./trit/index.js').Progress} */ { loaded, total }) =>
            this.#tell(`loading: ${((100 * loaded) / (total ?? loaded)).toFixed(0)} %`);
        this.#model = await Trit.load(BUNDLED, { onProgress });
        this.#tell('');
        const { info } = this.#model;
        return { info, card: /** @type {any} */ (info.card) };
    }

    /**
     * Goes on with a story until it ends, is long enough, or is stopped.
     * @param {Story} story
     * @param {() => void} onText
     */
    async goOn(story, onText) {
        if (!this.#model) throw new Error('wait until the model is there');
        this.#saying = new AbortController();
        const { sampling } = /** @type {any} */ (this.#model.info.card);
        const stream = this.#model.generate(story.begun, {
            maxTokens: MAX_TOKENS,
            temperature: sampling?.temperature,
            topP: sampling?.top_p,
            signal: this.#saying.signal,
        });
        for await (const piece of stream) {
            story.told += piece;
            onText();
        }
        return stream.result;
    }

    stop() {
        this.#saying?.abort();
    }

    /**
     * @param {import('./trit/index.js').GenerateResult['timings']} timings
     * @param {string} finish
     */
    summary({ decodeMs, promptMs }, finish) {
        return `${finish}, ${(promptMs + decodeMs).toFixed(0)} ms`;
    }
}
