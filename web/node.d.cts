// The types of require('trit'): those of the ES module, which the build makes.
import type * as module from './types/index.js' with { 'resolution-mode': 'import' };

export type * from './types/index.js' with { 'resolution-mode': 'import' };
export declare const Trit: typeof module.Trit;
export type TritError = module.TritError;
export declare const TritError: typeof module.TritError;
