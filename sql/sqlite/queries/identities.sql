-- name: save_identity :each
insert into identities (org, noun, id, content, created_at, updated_at, position)
values (:org, :noun, :id, :content, :created_at, :updated_at, :position)
on conflict (org, noun, id) do update
   set content = excluded.content,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: remove_identity :exec
delete from identities
 where org = :org
   and noun = :noun
   and id = :id;

-- name: all_identities :many
-- In the order of the key, after the given one.
select org, noun, id, content, created_at, updated_at, position
  from identities
 where (org, noun, id) > (:org, :noun, :id)
 order by org, noun, id
 limit :limit;

-- name: identities_of_noun :many
-- Of every organization, after the given one.
select org, noun, id, content, created_at, updated_at, position
  from identities
 where noun = :noun
   and (org, id) > (:org, :id)
 order by org, id
 limit :limit;

-- name: clear_identities :exec
delete from identities
 where noun = :noun;

-- name: save_password :exec
insert into passwords (user_id, hash, set_at)
values (:user_id, :hash, :set_at)
on conflict (user_id) do update
   set hash = excluded.hash,
       set_at = excluded.set_at;

-- name: password :one
select hash
  from passwords
 where user_id = :user_id;

-- name: remove_password :exec
delete from passwords
 where user_id = :user_id;

-- name: save_key_use :each
-- Never goes back, whichever of several nodes is late.
insert into key_uses (key_id, used_at, address, agent)
values (:key_id, :used_at, :address, :agent)
on conflict (key_id) do update
   set used_at = excluded.used_at,
       address = excluded.address,
       agent = excluded.agent
 where excluded.used_at > key_uses.used_at;

-- name: key_uses :many
-- In the order of the key, after the given one.
select key_id, used_at, address, agent
  from key_uses
 where key_id > :after
 order by key_id
 limit :limit;
