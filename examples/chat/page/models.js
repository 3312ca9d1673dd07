import { Trit } from './trit/index.js';
import { confirmed } from './asking.js';
import { button, element, find, replaceItems } from './elements.js';
import { dateText, progressText, sizeText } from './wording.js';

/** @typedef {import('./trit/index.js').Source} Source */

/**
 * A model that can be chosen.
 * @typedef {object} Choice
 * @property {string} name
 * @property {Source} source
 * @property {string} about
 * @property {boolean} [isStoryteller] it has a chat template, but never learned to chat
 */

/** @type {Choice} */
export const BUNDLED = {
    name: 'tiny-stories',
    isStoryteller: true,
    source: new URL('tiny-stories.trit', import.meta.url).href,
    about: 'Comes with the page, 2.5 MB. A small test model that goes on with the beginning of a story. It knows nothing and cannot chat.',
};

/** The last part of an address, or the name of a file, which the store knows with its size and time. */
const storedName = (/** @type {string | undefined} */ source) =>
    /^file:(.*), \d+ bytes, \d+$/s.exec(source ?? '')?.[1] ?? source?.split('/').at(-1);

/** What is written in the field, as a source. */
function sourceOf(/** @type {string} */ text) {
    if (/^(hf|catalog):./.test(text)) return text;
    const { protocol, href } = new URL(text);
    if (protocol !== 'https:' && protocol !== 'http:') throw new Error();
    return href;
}

/**
 * Whether a model is here whole: else it would be downloaded, which a person asks for.
 * @param {Choice} choice
 */
export async function isHere({ source }) {
    if (source === BUNDLED.source) return true;
    /** @type {any[]} */
    const models = await Trit.models().catch(() => []);
    return models.some(
        ({ id, state, about }) =>
            state === 'complete' &&
            [`stored:${id}`, about?.named?.name, ...(about?.source ?? [])].includes(source),
    );
}

/** By code: what a failure means here, and what to do. WebKit tells workers of pages like this one nothing of policies. */
const FAILURES = new Map([
    [
        'CSP',
        'This page is not allowed to ask that host (CSP_BLOCKED): download the file and drop it here.',
    ],
    [
        'CORS',
        'That host does not let this page read it (CORS), or the page is not allowed to ask it (CSP_BLOCKED): download the file and drop it here.',
    ],
]);

/** @param {any} error */
export const failureText = ({ code, message }) => FAILURES.get(code) ?? message;

/** The dialog in which models are chosen, loaded and deleted. */
export class ModelsDialog {
    #dialog = find('models');
    #choose;
    #progress = find('progress');
    #progressLine = find('progress-line');
    #pause = find('pause');
    #trouble = find('models-trouble');
    /** @type {Choice | undefined} what is being loaded, or was when it was paused */
    #current;

    /**
     * @param {object} engine
     * @param {(choice: Choice, onProgress: (progress: import('./trit/index.js').Progress) => void) => Promise<void>} engine.load
     * @param {() => void} engine.pause
     */
    constructor(engine) {
        this.#choose = engine.load;
        this.#pause.addEventListener('click', () => {
            if (this.#pause.dataset.does === 'resume') return void this.load(this.#current);
            engine.pause();
        });
        find('open-models').addEventListener('click', () => this.open());
        find('close-models').addEventListener('click', () => this.#dialog.close());
        find('source-form').addEventListener('submit', (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#loadFromField();
        });
        const file = find('model-file');
        find('choose-file').addEventListener('click', () => file.click());
        file.addEventListener('change', () => {
            if (file.files[0]) this.loadFile(file.files[0]);
            file.value = '';
        });
        find('persist').addEventListener('click', async () => {
            await Trit.persist();
            await this.#showStorage();
        });
        void this.#showCatalog();
    }

    open() {
        this.#trouble.textContent = '';
        this.#dialog.showModal();
        void this.#showStorage();
    }

    #loadFromField() {
        const text = find('source').value.trim();
        try {
            const source = sourceOf(text);
            void this.load({ name: text.split('/').at(-1) ?? text, source, about: '' });
        } catch {
            this.#complain(
                'That is no address of a model: write https://…, or hf:owner/repository, with /file after it where there are several.',
            );
        }
    }

    /** @param {File} file */
    loadFile(file) {
        void this.load({ name: file.name, source: file, about: '' });
    }

    /**
     * Loads a model and shows how far it is; closes the dialog when it is there.
     * @param {Choice | undefined} choice
     * @returns {Promise<boolean>} whether it is there
     */
    async load(choice) {
        if (!choice) return false;
        this.#current = choice;
        this.#complain('');
        this.#showPause('pause');
        find('loading').hidden = false;
        this.#tell(`Loading ${choice.name}`);
        this.#progress.removeAttribute('value');
        try {
            await this.#choose(choice, (progress) => {
                if (progress.total) this.#progress.value = progress.loaded / progress.total;
                this.#tell(progressText(progress));
            });
            find('loading').hidden = true;
            if (this.#dialog.open) this.#dialog.close();
            return true;
        } catch (error) {
            if (this.#current !== choice) return false; // another is being loaded
            if (/** @type {any} */ (error).code === 'ABORTED') {
                this.#tell('Paused. What has come is kept.');
                this.#showPause('resume');
            } else {
                find('loading').hidden = true;
                if (!this.#dialog.open) this.#dialog.showModal();
                this.#complain(failureText(error));
            }
            return false;
        } finally {
            void this.#showStorage();
        }
    }

    /** Above all models, where it is seen. @param {string} sentence */
    #complain(sentence) {
        this.#trouble.textContent = sentence;
        this.#dialog.scrollTop = 0;
    }

    /** @param {string} line */
    #tell(line) {
        this.#progressLine.textContent = line;
    }

    /** @param {'pause' | 'resume'} does */
    #showPause(does) {
        this.#pause.dataset.does = does;
        this.#pause.textContent = does === 'pause' ? 'Pause' : 'Resume';
    }

    async #showCatalog() {
        const known = await Trit.catalog().catch(() => []);
        const choices = known.map(({ id, name, licence, files, memory, template }) => {
            const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
            const parts = [
                bytes ? `${sizeText(bytes)} to download` : '',
                memory ? `${sizeText(memory.modelBytes)} of memory` : '',
                template ? 'chats' : 'goes on with texts',
                licence ? `licence: ${licence}` : 'its authors name no licence',
            ];
            return { name, source: `catalog:${id}`, about: `${parts.filter(Boolean).join(', ')}.` };
        });
        find('catalog').replaceChildren(...[BUNDLED, ...choices].map((each) => this.#item(each)));
    }

    /** @param {Choice} choice */
    #item(choice) {
        const about = element('p', { className: 'about' }, choice.about);
        const forecast = element('p', { className: 'about', role: 'status' });
        const use = button('Use', () => void this.load(choice), {
            'aria-label': `Use ${choice.name}`,
        });
        const ask = button('Forecast', () => this.#forecast(choice, ask, forecast), {
            'aria-label': `Forecast for ${choice.name}`,
        });
        const buttons = element('div', { className: 'actions' }, use, ask);
        return element('li', {}, element('h3', {}, choice.name), about, forecast, buttons);
    }

    /** @param {Choice} choice @param {HTMLButtonElement} ask @param {HTMLElement} line */
    async #forecast(choice, ask, line) {
        ask.disabled = true;
        line.textContent = 'Reading its header, and measuring this device …';
        try {
            const { bytes, memoryBytes, fits, expected, stored, note } = await Trit.probe(
                choice.source,
            );
            const parts = [
                stored ? 'stored here already' : bytes ? `${sizeText(bytes)} to download` : '',
                memoryBytes ? `${sizeText(memoryBytes)} of memory` : '',
                expected
                    ? `some ${Math.round(expected.decodeTokensPerSecond)} tokens a second`
                    : '',
                fits ? '' : 'does not fit on this device',
            ];
            line.textContent = [parts.filter(Boolean).join(', '), note].filter(Boolean).join('. ');
        } catch (error) {
            line.textContent = failureText(error);
        }
        ask.disabled = false;
    }

    async #showStorage() {
        try {
            const { models, usage, quota, persisted } = await Trit.storage();
            const used =
                usage === null || quota === null
                    ? ''
                    : `${sizeText(usage)} of ${sizeText(quota)} that the browser allows. `;
            const kept = persisted
                ? 'The browser keeps it until you delete it.'
                : 'The browser may delete it when the disk is full, or after weeks without a visit.';
            find('storage-line').textContent = used + kept;
            find('persist').hidden = Boolean(persisted);
            replaceItems(
                find('stored'),
                models.map((model) => this.#stored(model)),
                find('close-models'),
            );
        } catch (error) {
            find('storage-line').textContent = failureText(error);
        }
    }

    /** @param {import('./trit/index.js').StoredModel} model */
    #stored({ id, state, bytes, used, about }) {
        const name = storedName(about?.source[0]) ?? id;
        const states = {
            complete: '',
            partial: 'not complete',
            damaged: 'damaged',
            newer: 'of a newer version',
        };
        const parts = [sizeText(bytes), states[state], used ? `used ${dateText(used)}` : ''];
        const remove = button('Delete', async () => {
            if (!(await confirmed(`Delete ${name} from this device?`, 'Delete'))) return;
            try {
                await Trit.deleteModel(id);
            } catch (error) {
                this.#complain(failureText(error));
            }
            await this.#showStorage();
        });
        remove.setAttribute('aria-label', `Delete ${name}`);
        const choice = { name, source: `stored:${id}`, about: '' };
        const use = button('Use', () => void this.load(choice), { 'aria-label': `Use ${name}` });
        use.disabled = state !== 'complete';
        const line = element('p', { className: 'about' }, parts.filter(Boolean).join(', '));
        return element(
            'li',
            { 'data-key': id },
            element('h3', {}, name),
            line,
            element('div', { className: 'actions' }, use, remove),
        );
    }
}
