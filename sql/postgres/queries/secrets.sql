-- name: save_secret :each
insert into secrets (environment, name, revision, value_id, description, created_at, updated_at, position)
values (:environment, :name, :revision, :value_id, :description, :created_at, :updated_at, :position)
on conflict (environment, name) do update
   set revision = excluded.revision,
       value_id = excluded.value_id,
       description = excluded.description,
       created_at = excluded.created_at,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: remove_secret :exec
delete from secrets
 where environment = :environment
   and name = :name;

-- name: secret_row :one
select environment, name, revision, value_id, description, created_at, updated_at, position
  from secrets
 where environment = :environment
   and name = :name;

-- name: secrets_of :many
-- By name, after the given one.
select environment, name, revision, value_id, description, created_at, updated_at, position
  from secrets
 where environment = :environment
   and name > :after
 order by name
 limit :limit;

-- name: all_secrets :many
-- In (environment, name) order, after the given one.
select environment, name, revision, value_id, description, created_at, updated_at, position
  from secrets
 where environment > :environment or (environment = :environment and name > :name)
 order by environment, name
 limit :limit;

-- name: clear_secrets :exec
delete from secrets;

-- name: add_secret_value :each
insert into secret_values (id, environment, name, revision, nonce, ciphertext, created_at)
values (:id, :environment, :name, :revision, :nonce, :ciphertext, :created_at);

-- name: secret_value :one
select id, environment, name, revision, nonce, ciphertext, created_at
  from secret_values
 where id = :id;

-- name: remove_secret_value :exec
delete from secret_values
 where id = :id;

-- name: sweep_secret_values :exec
-- Values older than `before` that no secret and no webhook source refers to: what an interrupted change left behind, and
-- secrets of webhooks that stopped counting by `now`.
delete from secret_values
 where created_at < :before
   and not exists (select 1 from secrets where secrets.value_id = secret_values.id)
   and not exists (
       select 1
         from webhook_sources
        where webhook_sources.secret_id = secret_values.id
           or (webhook_sources.previous_secret_id = secret_values.id and webhook_sources.previous_until > :now)
       );

-- name: add_data_key :each
-- The first one of an environment stays.
insert into data_keys (environment, master_id, nonce, wrapped, created_at)
values (:environment, :master_id, :nonce, :wrapped, :created_at)
on conflict (environment) do nothing;

-- name: data_key :one
select environment, master_id, nonce, wrapped, created_at
  from data_keys
 where environment = :environment;

-- name: all_data_keys :many
select environment, master_id, nonce, wrapped, created_at
  from data_keys
 order by environment;

-- name: rewrap_data_key :each
update data_keys
   set master_id = :master_id,
       nonce = :nonce,
       wrapped = :wrapped
 where environment = :environment;
