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
        if (await isWasmForbidden())
            throw new TritError(
                'UNSUPPORTED',
                "a policy forbids WebAssembly here: serve web/worker.js with 'wasm-unsafe-eval' in script-src",
                { cause: error },
            );
        if (error instanceof RangeError)
            throw new TritError(
                'OOM',
                `there is no memory for an engine (${error.message}), which takes 16 MB and the model's: close other ` +
                    'pages or programs',
                { cause: error },
            );
        const { message } = TritError.from(error, 'RUNTIME_LOAD');
        throw new TritError(
            'RUNTIME_LOAD',
            `the engine's files web/dist/trit-${name}.* cannot be loaded (${message}): ` +
                'make them with `npm run build`, and serve them with the page',
            { cause: error },
        );
    }
}

/** Whether not even an empty module may be made: WebKit refuses no earlier. */
async function isWasmForbidden() {
    try {
        await WebAssembly.instantiate(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
        return false;
    } catch {
        return true;
    }
}
