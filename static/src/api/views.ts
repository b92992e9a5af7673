/** Filters that people keep. */
import { get, request, segment } from "./client";

export interface View {
  name: string;
  filter: string;
  shared: boolean;
  own: boolean;
  owner: string;
}

export async function views(page: string, signal?: AbortSignal): Promise<View[]> {
  return (await get<{ views: View[] }>(`/views/${page}`, {}, signal)).views;
}

export function saveView(page: string, name: string, filter: string, shared: boolean): Promise<View> {
  return request("PUT", `/views/${page}/${segment(name)}`, { body: { filter, shared } });
}

export function forgetView(page: string, view: View): Promise<unknown> {
  return request("DELETE", `/views/${page}/${segment(view.name)}`, { query: view.own ? {} : { owner: view.owner } });
}
