import { TritError } from './errors.js';

/**
 * A model that can be had by `catalog:` and its id.
 * @typedef {object} CatalogModel
 * @property {string} id
 * @property {string} name
 * @property {string | null} licence as the hub says it, null when its authors name none
 * @property {{hub: string, repository: string}} source
 * @property {string} container
 * @property {{name: string, sha256: string | null, bytes: number | null}[]} files empty when nobody has looked
 * @property {string | null} template null: it goes on with texts, and does not chat
 * @property {{modelBytes: number, kvBytesPerToken: number} | null} memory
 * @property {string} [note]
 */

/** @returns {Promise<CatalogModel[]>} */
export async function readCatalog() {
    try {
        // @ts-ignore: made by the build of models/catalog.json
        return structuredClone((await import('./dist/catalog.mjs')).default.models);
    } catch (error) {
        const sentence =
            'web/dist/catalog.mjs cannot be loaded: make it with `npm run build`, and serve it with the page';
        throw new TritError('RUNTIME_LOAD', sentence, { cause: error });
    }
}

/**
 * @param {string} id
 * @returns {Promise<CatalogModel>}
 */
export async function findInCatalog(id) {
    const models = await readCatalog();
    const model = models.find((each) => each.id === id);
    if (model) return model;
    const ids = models.map((each) => each.id).join(', ');
    throw new TritError('PARAM', `the catalogue has no "${id}": it has ${ids}`);
}
