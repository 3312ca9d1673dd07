import { TritError } from './errors.js';

/**
 * The four builds. Each import is written out, so that bundlers find the files.
 * @type {Record<string, () => Promise<any>>}
 */
const builds = {
    // @ts-ignore: made by the build
    'st-simd128': () => import('./dist/trit-st-simd128.mjs'),
    // @ts-ignore: made by the build
    'st-relaxed': () => import('./dist/trit-st-relaxed.mjs'),
    // @ts-ignore: made by the build
    'mt-simd128': () => import('./dist/trit-mt-simd128.mjs'),
    // @ts-ignore: made by the build
    'mt-relaxed': () => import('./dist/trit-mt-relaxed.mjs'),
};

/**
 * Starts the build for this choice and returns Emscripten's module object.
 * @param {import('./features.js').Choice} choice
 */
export async function startModule({ flavour, threads }) {
    const name = `${threads > 1 ? 'mt' : 'st'}-${flavour}`;
    try {
        const { default: create } = await builds[name]();
        // The pool must be there before the engine blocks this thread for the first time.
        return await create({ pthreadPoolSize: threads - 1 });
    } catch (error) {
        const { message } = TritError.from(error, 'RUNTIME_LOAD');
        throw new TritError(
            'RUNTIME_LOAD',
            `the engine's files web/dist/trit-${name}.* cannot be loaded (${message}): ` +
                'make them with `npm run build`, and serve them with the page',
            { cause: error },
        );
    }
}
