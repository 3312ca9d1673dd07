import { TritError } from './errors.js';
import { TextJoiner } from './stream.js';

/** Texts and conversations as ids of one model, and back. */
export class Text {
    #c;
    #model;
    #config;

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {number} model
     * @param {any} config
     */
    constructor(c, model, config) {
        this.#c = c;
        this.#model = model;
        this.#config = config;
    }

    /**
     * @param {string | Uint8Array} text
     * @param {{special?: boolean, bos?: boolean}} options
     */
    tokenize(text, { special = false, bos = false }) {
        const { tokenize } = this.#c.constants;
        const flags = (special ? tokenize.special : 0) | (bos ? tokenize.bos : 0);
        return this.#c.with(text, (address, n) =>
            this.#c.ids('tokenize', [this.#model, address, n, flags], n + 1),
        );
    }

    /** @param {number[]} ids */
    detokenize(ids) {
        const joiner = new TextJoiner();
        const text = ids.map((id) => joiner.push(this.textBytes(id))).join('') + joiner.flush();
        return this.#config.spaceFirst ? text.replace(/^ /, '') : text;
    }

    /**
     * What a token adds to a text: nothing when it is special.
     * @param {number} id
     */
    textBytes(id) {
        if (id >= this.#config.nVocab)
            throw new TritError('PARAM', `token ${id} is not in the vocabulary`);
        const { bytes, special } = this.#c.tokenBytes(this.#model, id);
        return special ? new Uint8Array() : bytes;
    }

    /** What renders a conversation when the engine does not. */
    template() {
        const { bosId, stopIds } = this.#config;
        /** @param {number | undefined} id */
        const textOf = (id) =>
            id === undefined || id < 0
                ? ''
                : new TextDecoder().decode(this.#c.tokenBytes(this.#model, id).bytes);
        return {
            template: this.#c.string('model_template', this.#model),
            bosToken: textOf(bosId),
            eosToken: textOf(stopIds[0]),
        };
    }

    /** @param {import('./protocol.js').Prompt} prompt */
    promptIds(prompt) {
        if ('ids' in prompt) return prompt.ids;
        if ('messages' in prompt) return this.#render(prompt.messages);
        if ('parts' in prompt) return this.#tokenizeParts(prompt.parts);
        return this.tokenize(prompt.text, { bos: this.#config.addBos });
    }

    /** @param {string[]} parts as a rendered template gives them */
    #tokenizeParts(parts) {
        const c = this.#c;
        const { bytes, ends } = joinTexts(parts);
        return c.with(bytes, (text, n) =>
            c.with(ends, (e) =>
                c.ids('tokenize_parts', [this.#model, text, e, parts.length], n + 1),
            ),
        );
    }

    /** @param {import('./protocol.js').Message[]} messages */
    #render(messages) {
        const c = this.#c;
        const { bytes: all, ends } = joinTexts(messages.map(({ content }) => content));
        /** @type {(names: string[], addresses: number[]) => number[]} */
        const withRoles = (names, addresses) => {
            if (names.length > 0)
                return c.with(names[0], (name) => withRoles(names.slice(1), [...addresses, name]));
            const byName = Uint32Array.from(messages, ({ role }) => addresses[roles.indexOf(role)]);
            return c.with(byName, (role) =>
                c.with(all, (text) =>
                    c.with(ends, (e) =>
                        c.ids(
                            'chat_render',
                            [this.#model, role, text, e, messages.length],
                            all.length + 64,
                        ),
                    ),
                ),
            );
        };
        const roles = [...new Set(messages.map(({ role }) => role))];
        return withRoles(roles, []);
    }
}

/**
 * The bytes of some texts, one after the other, and where each ends.
 * @param {string[]} texts
 */
function joinTexts(texts) {
    const encoder = new TextEncoder();
    const encoded = texts.map((text) => encoder.encode(text));
    let end = 0;
    const ends = Uint32Array.from(encoded, (text) => (end += text.length));
    const bytes = new Uint8Array(end);
    encoded.forEach((text, i) => bytes.set(text, ends[i] - text.length));
    return { bytes, ends };
}
