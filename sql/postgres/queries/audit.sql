-- name: save_audit_settings :each
insert into audit_settings (environment, settings, updated_at, position)
values (:environment, :settings, :updated_at, :position)
on conflict (environment) do update
   set settings = excluded.settings,
       updated_at = excluded.updated_at,
       position = excluded.position;

-- name: all_audit_settings :many
select environment, settings, updated_at, position
  from audit_settings
 where environment > :environment
 order by environment
 limit :limit;

-- name: clear_audit_settings :exec
delete from audit_settings;
