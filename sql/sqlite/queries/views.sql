-- name: save_view :exec
insert into views (environment, page, owner, name, filter, shared, saved_at)
values (:environment, :page, :owner, :name, :filter, :shared, :saved_at)
on conflict (environment, page, owner, name) do update
   set filter = excluded.filter,
       shared = excluded.shared,
       saved_at = excluded.saved_at;

-- name: delete_view :exec
delete from views
 where environment = :environment
   and page = :page
   and owner = :owner
   and name = :name;

-- name: views_seen :many
-- One's own, and those that others share.
select environment, page, owner, name, filter, shared, saved_at
  from views
 where environment = :environment
   and page = :page
   and (owner = :owner or shared = 1)
 order by name, owner
 limit :limit;

-- name: views_owned :one
select count(*)
  from views
 where environment = :environment
   and owner = :owner;
