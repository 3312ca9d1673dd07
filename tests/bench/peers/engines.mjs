// The engines of a comparison: where each runs, and what its module is.

const trit = (host, flavour) => ({ peer: false, host, module: './engines/trit.mjs', flavour });

/** By the name that the report gives. */
export const ENGINES = {
    'trit-chromium-simd128': trit('chromium', 'simd128'),
    'trit-chromium-relaxed': trit('chromium', 'relaxed'),
    'trit-node-simd128': trit('node', 'simd128'),
    'trit-node-relaxed': trit('node', 'relaxed'),
    wllama: {
        peer: true,
        host: 'chromium',
        module: './engines/wllama.mjs',
        package: '@wllama/wllama',
    },
    'node-llama-cpp': {
        peer: true,
        host: 'node',
        module: './engines/node-llama.mjs',
        package: 'node-llama-cpp',
    },
};

/** Whether the peers use their fused attention; undefined leaves it to them. */
export const FLASH = { auto: undefined, on: true, off: false };
