import { button, element, find } from './elements.js';

/**
 * How a model is asked. A number that is null is left to the model.
 * @typedef {object} Settings
 * @property {string} system
 * @property {number | null} temperature
 * @property {number | null} topP
 * @property {number | null} topK
 * @property {number | null} minP
 * @property {number | null} repeatPenalty
 * @property {number | null} maxTokens
 * @property {number | null} seed
 */

/** @type {readonly Settings} */
export const NO_SETTINGS = Object.freeze({
    system: '',
    ...{ temperature: null, topP: null, topK: null, minP: null },
    ...{ repeatPenalty: null, maxTokens: null, seed: null },
});

/** The numbers, as the dialog shows them; the engine takes what is between their limits. */
const NUMBERS = [
    {
        ...{ name: 'temperature', label: 'Temperature', min: 0, max: 2, step: 0.05 },
        about: 'How daring: 0 always takes the likeliest word, 1 follows the model’s own chances, more surprises.',
    },
    {
        ...{ name: 'topP', label: 'Top-p', min: 0.05, max: 1, step: 0.05 },
        about: 'Only the likeliest words that together have this share of the chances. 1 allows all.',
    },
    {
        ...{ name: 'topK', label: 'Top-k', min: 0, max: 1000, step: 1 },
        about: 'Only so many of the likeliest words. 0 allows all.',
    },
    {
        ...{ name: 'minP', label: 'Min-p', min: 0, max: 1, step: 0.01 },
        about: 'Drops words with less than this share of the likeliest one’s chance. 0 is off.',
    },
    {
        ...{ name: 'repeatPenalty', label: 'Repeat penalty', min: 1, max: 2, step: 0.05 },
        about: 'Above 1, what was said a moment ago becomes less likely.',
    },
    {
        ...{ name: 'maxTokens', label: 'Longest answer', min: 1, max: 100_000, step: 1 },
        about: 'In tokens, some three quarters of a word each.',
    },
    {
        ...{ name: 'seed', label: 'Seed', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
        about: 'The same seed gives the same answer to the same words, in every browser.',
    },
];

/**
 * What anybody may have written, as settings.
 * @param {any} raw
 * @returns {Settings}
 */
export function readSettings(raw) {
    /** @type {any} */
    const settings = { ...NO_SETTINGS };
    if (typeof raw?.system === 'string') settings.system = raw.system;
    for (const { name, min, max, step } of NUMBERS) {
        const value = raw?.[name];
        const isWhole = step !== 1 || Number.isInteger(value);
        if (typeof value === 'number' && value >= min && value <= max && isWhole)
            settings[name] = value;
    }
    return settings;
}

/**
 * As the engine takes them.
 * @param {Settings} settings
 * @param {any} advice `sampling` of the model's card, in which anything may stand; what the dialog could not say is passed over
 * @returns {import('./trit/index.js').GenerateOptions}
 */
export function samplingOf({ system: _, ...numbers }, advice) {
    const { temperature, top_p: topP, top_k: topK } = advice ?? {};
    const { system: __, ...advised } = readSettings({ temperature, topP, topK });
    const chosen = { ...advised, ...Object.fromEntries(entriesThatAre(numbers)) };
    return Object.fromEntries(entriesThatAre(chosen));
}

/** @param {Record<string, any>} values */
const entriesThatAre = (values) =>
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined);

/** The dialog in which they are changed. */
export class SettingsDialog {
    #dialog = find('settings');
    #system;
    /** @type {Map<string, HTMLInputElement>} */
    #inputs = new Map();
    /** @type {(settings: Settings) => void} */
    #onChange = () => {};

    constructor() {
        this.#system = element('textarea', { id: 'setting-system', rows: 4 });
        const fields = NUMBERS.map(({ name, label, min, max, step, about }) => {
            const id = `setting-${name}`;
            const kind = { id, type: 'number', min, max, step, placeholder: 'the model’s own' };
            const input = element('input', kind);
            this.#inputs.set(name, input);
            return field(id, label, input, about);
        });
        const about =
            'What the model is told before the conversation. Story models do not read it.';
        const own = field('setting-system', 'System prompt', this.#system, about);
        const form = element('form', { method: 'dialog' }, own, ...fields);
        const reset = button('Leave all to the model', () => this.#show(NO_SETTINGS));
        form.append(element('div', { className: 'buttons' }, element('button', {}, 'Done'), reset));
        form.addEventListener('submit', (/** @type {Event} */ event) => {
            if (!form.reportValidity()) event.preventDefault();
        });
        this.#dialog.append(form);
        this.#dialog.addEventListener('close', () => this.#onChange(this.#read()));
    }

    /**
     * @param {Settings} settings
     * @param {(settings: Settings) => void} onChange
     */
    open(settings, onChange) {
        this.#onChange = onChange;
        this.#show(settings);
        this.#dialog.showModal();
    }

    /** @param {Settings} settings */
    #show({ system, ...numbers }) {
        this.#system.value = system;
        for (const [name, value] of Object.entries(numbers))
            /** @type {HTMLInputElement} */ (this.#inputs.get(name)).value = String(value ?? '');
    }

    #read() {
        const numbers = [...this.#inputs].map(([name, { value }]) => [
            name,
            value === '' ? null : Number(value),
        ]);
        return readSettings({ system: this.#system.value, ...Object.fromEntries(numbers) });
    }
}

function field(id, label, input, about) {
    const line = element('p', { id: `${id}-about`, className: 'about' }, about);
    input.setAttribute('aria-describedby', line.id);
    return element('div', {}, element('label', { htmlFor: id }, label), input, line);
}
