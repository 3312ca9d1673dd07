// Stands in the chat page in the place of the engine's entry (chat.mjs): the engine and its models as they are, but where
// there is a `window.script`, an answer is its text: some letters for each token that the engine computes.
import { Trit as Engine } from './trit/index.js';

export { TritError } from './trit/index.js';

export const Trit = {
    ...Engine,
    load: async (source, options) => {
        const model = await Engine.load(source, options);
        return new Proxy(model, {
            get(_, name) {
                if (name === 'generate') return (...args) => generate(model, ...args);
                const value = model[name];
                return typeof value === 'function' ? value.bind(model) : value;
            },
        });
    },
};

function generate(model, prompt, options) {
    if (!window.script) return model.generate(prompt, options);
    const { text, letters = 4, ms = 0 } = window.script;
    const { signal } = options;
    const ids = [];
    const speak = async function* () {
        for (let at = 0; at < text.length && !signal.aborted;)
            for await (const _ of model.generate('Once', { signal, maxTokens: 200 })) {
                ids.push(0);
                yield text.slice(at, (at += letters));
                if (at >= text.length) break;
                if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
            }
    };
    const finish = () => (signal.aborted ? 'abort' : 'stop');
    return {
        [Symbol.asyncIterator]: speak,
        get result() {
            return Promise.resolve({ ids, timings: { decodeMs: 1 }, finish: finish() });
        },
    };
}
