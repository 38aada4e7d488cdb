import { useMutation, useQuery } from "@tanstack/react-query";
import { createImage, deleteImage, listImages, updateImage } from "#contract/api/images.ts";
import type { BodyInputOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";
import { queryClient } from "./query-client.ts";

export type ImageDraft = Required<BodyInputOf<typeof createImage>>;

const invalidate = (): Promise<void> => queryClient.invalidateQueries({ queryKey: ["images"] });

/** The images that I may choose, and whether sites run in images here. */
export function useImages() {
  return useQuery({ queryKey: ["images"], queryFn: ({ signal }) => api.call(listImages, { signal }), staleTime: 30_000 });
}

export function useAddImage() {
  return useMutation({ mutationFn: (body: ImageDraft) => api.call(createImage, { body }), onSuccess: invalidate });
}

export function useChangeImage(id: number) {
  return useMutation({ mutationFn: (body: Partial<ImageDraft>) => api.call(updateImage, { params: { id }, body }), onSuccess: invalidate });
}

export function useDeleteImage() {
  return useMutation({ mutationFn: (id: number) => api.call(deleteImage, { params: { id } }), onSettled: invalidate });
}
