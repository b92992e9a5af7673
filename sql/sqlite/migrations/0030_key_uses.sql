-- Where a key was last used from, and by what program, as it says itself; written down as seldom as when.
alter table key_uses add column address text not null default '';
alter table key_uses add column agent text not null default '';
