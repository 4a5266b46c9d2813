/** What the witness and the mirror of a centre have cosigned: made with their keys, and never again, so that a key that has signed meets no empty state. */
import { FileWitnessState } from './file-witness-state.ts';

/** Folders. */
export interface CosignerFolders {
  readonly witnessState: string;
  readonly mirrorState: string;
}

export interface CosignerStates {
  readonly witnessState: FileWitnessState;
  readonly mirrorState: FileWitnessState;
}

export function cosignerStates(folders: CosignerFolders): CosignerStates {
  return {
    witnessState: new FileWitnessState({ folder: folders.witnessState }),
    mirrorState: new FileWitnessState({ folder: folders.mirrorState }),
  };
}

/** Makes both, empty. @throws LogError `disk-full` */
export async function createCosignerStates(folders: CosignerFolders): Promise<void> {
  const { witnessState, mirrorState } = cosignerStates(folders);
  for (const state of [witnessState, mirrorState]) {
    await state.create();
    await state.close();
  }
}
